# Makefile - the front door. Meson and Ninja do the work; a second run of any target does only what changed.

BUILD ?= build
TYPE  ?= debugoptimized
FINSIGHT = $(BUILD)/src/app/finsight
MESON_TEST = tools/run_tests

.PHONY: all help release demo serve test torture torture-events torture-gateway attack golden-indicators golden-backtest golden-feeds table-forecast bench bench-gateway asan tsan fuzz lint fmt install fresh-check peers clean
.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja ## Build the finsight binary
	@tools/quiet ninja -C $(BUILD)

release: ## The optimised binary, build-release/src/app/finsight
	@tools/setup build
	@tools/configure build-release --buildtype=release
	@tools/quiet ninja -C build-release src/app/finsight

help: ## Show this list
	@echo "FinSight - targets:"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'
	@echo; echo "  make demo DATA=prices.csv   the demo on your own file"
	@echo "  make serve ARGS='--port 8080'"

# $(BUILD) is made once; meson re-runs itself when a meson.build changes.
$(BUILD)/build.ninja: | setup-build
	@tools/configure $(BUILD) --buildtype=$(TYPE)

.PHONY: setup-build setup-test
setup-build:
	@tools/setup build
setup-test:
	@tools/setup test

demo: all ## Install what is missing, build, run the main job end to end (DATA=file.csv for your own candles)
	@$(FINSIGHT) demo $(if $(DATA),--data "$(DATA)")

serve: all ## Run the platform on embedded defaults (ARGS=...)
	@exec $(FINSIGHT) serve $(ARGS)

test: setup-test ## Every test of the first tier; the last line counts them
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD)
	@$(MESON_TEST) $(BUILD)

torture: setup-test ## Full kills, power cuts and floods; prints PASS or FAIL for each
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD)
	@tools/torture $(BUILD)

torture-events: setup-test ## Events while publishers, consumers, broker and power die; PASS or FAIL for each, ~10 minutes
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) tests/torture/torture_events
	@$(BUILD)/tests/torture/torture_events $(or $(KILLS),1000) $(or $(CUTS),1000) $(or $(BROKERS),20) $(or $(SEED),1)

torture-gateway: setup-test ## The gateway while its services die, lie and dawdle; PASS or FAIL for each, <= 8 minutes
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) src/app/finsight
	@tests/torture/gateway_torture.py $(FINSIGHT)

attack: setup-test ## Floods, smuggling, every role on every route, OWASP's risks; PASS or FAIL for each, <= 5 minutes
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) src/app/finsight
	@tests/attack/run.py $(FINSIGHT)

golden-indicators: setup-test ## Indicators against dumps: FILE=dump.json DATA=folder of the data sets
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) tests/golden/golden_indicators
	@$(BUILD)/tests/golden/golden_indicators "$(DATA)" $(FILE)

golden-backtest: setup-test ## Engine backtrader against dumps of its runs: CASES=folder DATA=folder of the data sets
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) tests/golden/golden_backtest
	@$(BUILD)/tests/golden/golden_backtest "$(CASES)" "$(DATA)"

golden-feeds: setup-test ## Reader of feeds against another's: EXPECTED=file.json DIR=folder of the feeds (ARGS=-v: values)
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) tests/golden/golden_feeds
	@tests/golden/golden_feeds.py $(BUILD)/tests/golden/golden_feeds "$(EXPECTED)" "$(DIR)" $(ARGS)

table-forecast: all ## Train what is missing and write README's table of forecasts (ARGS="--models dlinear --horizons 96")
	@tools/table_forecast $(FINSIGHT) $(ARGS)

bench: setup-test ## Figures against rivals: JSON lines and a table
	@tools/setup bench
	@tools/configure build-release --buildtype=release
	@tools/quiet ninja -C build-release
	@tools/bench build-release

bench-gateway: setup-test $(BUILD)/build.ninja ## CPU of the gateway's hop against nginx's proxy_pass, in the same run; start and size
	@tools/setup bench
	@tools/configure build-release --buildtype=release
	@tools/quiet ninja -C build-release src/app/finsight
	@bench/bench_gateway.py build-release/src/app/finsight
	@tools/quiet ninja -C $(BUILD) src/app/finsight
	@bench/bench_start.py build-release/src/app/finsight $(BUILD)/src/app/finsight

asan: setup-test ## The tests under AddressSanitizer and UBSan
	@tools/configure build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@tools/quiet ninja -C build-asan
	@$(MESON_TEST) build-asan --multiplier 5

tsan: setup-test ## The tests under ThreadSanitizer
	@tools/configure build-tsan -Db_sanitize=thread -Db_lundef=false
	@tools/quiet ninja -C build-tsan
	@$(MESON_TEST) build-tsan --multiplier 10

fuzz: ## Every parser under libFuzzer for SECONDS each (default 30)
	@tools/setup lint
	@tools/fuzz $(or $(SECONDS),30)

lint: setup-test ## Formatting, layers, headers, clang-tidy, cppcheck
	@tools/setup lint
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD)
	@tools/lint --all --build $(BUILD)

sbom: ## What the program is made of: build/sbom.json (CycloneDX)
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/sbom $(BUILD) > $(BUILD)/sbom.json && echo $(BUILD)/sbom.json

fmt: ## Format the C sources in place
	@tools/setup lint
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

install: all ## Install to PREFIX (default /usr/local), with shell completion
	@tools/install $(BUILD) "$(DESTDIR)" "$(or $(PREFIX),/usr/local)"

peers: ## Optional clients and servers of other makers (npm, PyPI) for wider tests
	@tools/setup peers
	@tests/peers/ta4j/run.sh || [ $$? = 77 ]
	@tools/configure $(BUILD) --buildtype=$(TYPE)
	@tools/quiet ninja -C $(BUILD) tests/golden/golden_backtest
	@tests/peers/backtrader/run.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) tests/golden/golden_indicators
	@tests/peers/indicators.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) tests/contract/test_event_bus_kafka
	@tests/peers/kafka/run.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) tests/contract/test_article_store_mongo
	@tests/peers/mongo/run.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) tests/contract/test_event_bus_amqp tests/contract/test_event_bus_amqp_breaks tests/property/test_property_news_chain
	@tests/peers/rabbitmq/run.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) tests/contract/test_object_store_s3 tests/contract/test_model_registry_mlflow
	@tests/peers/s3/run.sh $(BUILD) || [ $$? = 77 ]
	@tests/peers/mlflow_server/run.sh $(BUILD) || [ $$? = 77 ]
	@tools/quiet ninja -C $(BUILD) src/app/finsight
	@tests/peers/mlflow/run.sh $(BUILD) || [ $$? = 77 ]

fresh-check: ## Prove `make demo` and `make test` on a bare Debian 12
	@tools/fresh_check

clean: ## Remove the build folders
	@rm -rf build build-release build-asan build-tsan build-fuzz build-clang
