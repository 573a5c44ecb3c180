/* sentiment/words.c - words and phrases of financial news and their weights, chosen and weighed by hand: 4 is what nobody
 * could misread ("bankruptcy"), 1 what leans ("cautious"). Folded as core/words folds. */

#include "sentiment/words.h"

/* clang-format off */
const LexiconGroup lexicon_groups[] = {
    /* --- movement: the plain verbs of markets --- */
    { LEX_GROWS, 3, "soar|soars|soared|soaring|skyrocket|skyrockets|skyrocketed|skyrocketing|surge|surges|surged|surging|"
                    "rocket|rockets|rocketed|boom|booms|booming|explode higher" },
    { LEX_GROWS, 2.5, "rally|rallies|rallied|rallying|jump|jumps|jumped|jumping|leap|leaps|leaped|leapt|spike|spikes|spiked" },
    { LEX_GROWS, 2, "rise|rises|rose|risen|rising|gain|gains|gained|gaining|climb|climbs|climbed|climbing|advance|advances|"
                    "advanced|increase|increases|increased|increasing|grow|grows|grew|grown|growing|growth|expand|expands|"
                    "expanded|expanding|expansion|accelerate|accelerates|accelerated|accelerating|higher|upswing|uptrend|"
                    "raise|raises|raised|raising|hike|hikes|hiked|double|doubles|doubled|triple|triples|tripled|up" },
    { LEX_GROWS, 1.5, "edge up|edges up|edged up|edge higher|edges higher|edged higher|tick up|ticks up|ticked up|"
                      "widen|widens|widened|widening|swell|swells|swelled|mount|mounts|mounted|mounting|build up" },
    { LEX_SHRINKS, -3, "plunge|plunges|plunged|plunging|plummet|plummets|plummeted|plummeting|crash|crashes|crashed|crashing|"
                       "collapse|collapses|collapsed|collapsing|tank|tanks|tanked|tanking|nosedive|nosedives|nosedived|"
                       "freefall|free fall|crater|craters|cratered|meltdown" },
    { LEX_SHRINKS, -2.5, "tumble|tumbles|tumbled|tumbling|slump|slumps|slumped|slumping|sink|sinks|sank|sunk|sinking|slide|"
                         "slides|slid|sliding|dive|dives|dived|selloff|sell off|dump|dumps|dumped|rout|routs" },
    { LEX_SHRINKS, -2, "fall|falls|fell|fallen|falling|drop|drops|dropped|dropping|decline|declines|declined|declining|"
                       "decrease|decreases|decreased|decreasing|lower|lowers|lowered|lowering|shrink|shrinks|shrank|shrunk|"
                       "shrinking|contract sharply|contraction|slow|slows|slowed|slowing|slowdown|weaken|weakens|weakened|"
                       "weakening|cut|cuts|cutting|reduce|reduces|reduced|reducing|down|downtrend|downturn|retreat|retreats|"
                       "retreated|slip|slips|slipped|slipping|sag|sags|sagged|trim|trims|trimmed|slash|slashes|slashed" },
    { LEX_SHRINKS, -1.5, "edge down|edges down|edged down|edge lower|edges lower|edged lower|ease|eases|eased|easing|dip|dips|"
                         "dipped|narrow|narrows|narrowed|narrowing|shed|sheds|soften|softens|softened|softening|cool|cools|"
                         "cooled|cooling|pull back|pullback|recede|recedes|receded" },
    /* --- things that had better shrink --- */
    { LEX_BAD_THING, -0.5, "unemployment|joblessness|jobless claims|deficit|deficits|debt|debts|cost|costs|expense|expenses|"
                           "inflation|volatility|churn|default rate|delinquencies|delinquency|foreclosures|bad loans|"
                           "net loss|shortfall|stockpiles|outflows|outflow|risk|risks|fear|fears|tension|tensions|"
                           "pressure|pressures|uncertainty|short interest|borrowing costs|vacancies|emissions|taxes" },
    { LEX_BAD_THING, -1.5, "loss|losses|layoffs|bankruptcies|defaults|thefts|hacks|complaints|injuries|deaths|infections" },
    /* --- good --- */
    { LEX_WEIGHT, 4, "record profit|record earnings|record revenue|blowout quarter|stellar results" },
    { LEX_WEIGHT, 3.5, "beats expectations|beat expectations|tops expectations|topped expectations|tops estimates|"
                       "topped estimates|beats estimates|beat estimates|beats forecasts|beat forecasts|exceeds expectations|"
                       "exceeded expectations|better than expected|above expectations|all time high|record high|new high|"
                       "raises guidance|raised guidance|raises outlook|raised outlook|raises forecast|raised forecast|"
                       "lifts forecast|raises dividend|raised dividend|profit surges|blockbuster" },
    { LEX_WEIGHT, 3, "upgrade|upgrades|upgraded|upgraded to buy|outperform|outperforms|outperformed|outperforming|bullish|"
                     "bull market|breakthrough|triumph|triumphs|thrive|thrives|thriving|boosts|boosted|boost|boosting|"
                     "beats|stellar|outstanding|excellent|spectacular|windfall|profitable|profitability|wins approval|"
                     "wins contract|price target raised|target raised|pt raised|top pick|overweight|buy rating|strong buy|"
                     "swings to profit|returns to profit|back in profit|short squeeze" },
    { LEX_WEIGHT, 2.5, "success|successful|successfully|strong|stronger|strongest|strength|strengthen|strengthens|"
                       "strengthened|robust|win|wins|won|winning|winner|winners|optimism|optimistic|upbeat|recover|recovers|"
                       "recovered|recovering|recovery|rebound|rebounds|rebounded|rebounding|bounce back|bounces back|"
                       "impressive|solid|healthy|buoyant|lucrative|flourish|flourishes|flourishing|turnaround|tops|topped|"
                       "exceed|exceeds|exceeded|surpass|surpasses|surpassed|outpace|outpaces|outpaced|approval|approved|"
                       "approves|breakout|mooning|inflows|inflow" },
    { LEX_WEIGHT, 2, "good|great|best|better|improve|improves|improved|improving|improvement|improvements|positive|"
                     "favorable|favourable|opportunity|opportunities|promising|attractive|benefit|benefits|benefited|"
                     "profit|profits|bullishness|confident|confidence|momentum|milestone|innovative|innovation|advantage|"
                     "upside|undervalued|outperformance|rewarding|resilient|resilience|reassuring|reassure|buyback|buybacks|"
                     "share repurchase|special dividend|dividend increase|adoption|partnership|partners with|teams up|"
                     "acquire|acquires|to acquire|landmark deal|lead|leads|leading|leader|secure|secures|secured|win over|"
                     "expands into|launches|unveils|accumulate|accumulates|accumulating|accumulation|buying spree|uptake" },
    { LEX_WEIGHT, 1.5, "stable|stabilize|stabilizes|stabilized|stabilise|stabilises|stability|steady|support|supports|"
                       "supported|supportive|hope|hopes|hopeful|progress|agreement|deal|agree|agrees|agreed|settle dispute|"
                       "relief|calm|calms|safe haven|popular|demand|interest grows|welcome|welcomes|welcomed|praise|praises|"
                       "praised|reward|rewards|smart|efficient|efficiency|transparent|cheap valuation|attract|attracts|"
                       "attracted|enable|enables|ease of|rebuild|reopening|reopens|ceasefire|truce|stimulus|bailout agreed" },
    { LEX_WEIGHT, 1, "dividend|dividends|buy|buys|invest|invests|investing|launch|launched|grant|grants|granted|hiring|hires|"
                     "new product|partner|partners|listed|listing|insider buying|green|bull|bulls|likes|like|love|loves|"
                     "eyes|ready|helps|help|helped|save|saves|saved|savings|fresh|clear|win win" },
    /* --- bad --- */
    { LEX_WEIGHT, -4, "bankruptcy|bankrupt|chapter 11|insolvency|insolvent|ponzi|ponzi scheme|rug pull|fraud|fraudulent|"
                      "embezzlement|embezzled|default on|defaults on|defaulted on|accounting scandal|delisted|bank run" },
    { LEX_WEIGHT, -3.5, "misses expectations|missed expectations|misses estimates|missed estimates|misses forecasts|"
                        "missed forecasts|worse than expected|below expectations|cuts guidance|cut guidance|lowers guidance|"
                        "lowered guidance|cuts outlook|cut outlook|cuts forecast|cut forecast|lowers forecast|cuts dividend|"
                        "cut dividend|suspends dividend|suspended dividend|profit warning|swings to loss|record loss|"
                        "going concern|margin call|margin calls|class action|criminal charges|hacked|hack|exploited" },
    { LEX_WEIGHT, -3, "downgrade|downgrades|downgraded|underperform|underperforms|underperformed|underperforming|bearish|"
                      "bear market|scandal|scandals|crisis|recession|depression|lawsuit|lawsuits|sued|sues|sue|indicted|"
                      "indictment|arrested|convicted|guilty|money laundering|laundering|illegal|theft|stolen|scam|scams|"
                      "scammers|breach|breached|disaster|disastrous|catastrophe|catastrophic|panic|terrible|worst|dismal|"
                      "price target cut|target cut|pt cut|sell rating|underweight|strong sell|liquidated|liquidation|"
                      "liquidations|exploit|layoff|lays off|laid off|job cuts|halts trading|trading halted|recall|recalls|"
                      "recalled|death cross|contagion|sanctions|sanctioned|war|invasion|attack|attacks|attacked|shutdown" },
    { LEX_WEIGHT, -2.5, "fail|fails|failed|failing|failure|failures|weak|weaker|weakest|weakness|bad|poor|poorly|hurt|hurts|"
                        "hurting|suffer|suffers|suffered|suffering|damage|damages|damaged|loser|losers|lose|loses|lost|losing|"
                        "miss|misses|missed|disappoint|disappoints|disappointed|disappointing|disappointment|grim|gloomy|"
                        "gloom|bleak|pessimism|pessimistic|penalty|penalties|fine|fined|fines|probe|probes|investigation|"
                        "investigated|investigating|violation|violations|violated|alleged|allegations|accused|accuses|"
                        "charged with|ban|bans|banned|crackdown|reject|rejects|rejected|rejection|deny approval|withdrawn|"
                        "bubble|overvalued|wipe out|wipes out|wiped out|struggle|struggles|struggled|struggling|trouble|"
                        "troubled|troubles|stagnation|stagnant|stagflation|shortage|shortages|bug|outage|outages" },
    { LEX_WEIGHT, -2, "worse|worsen|worsens|worsened|worsening|negative|concern|concerns|concerned|worry|worries|worried|"
                      "worrying|warn|warns|warned|warning|warnings|threat|threaten|threatens|threatened|danger|dangerous|"
                      "risky|problem|problems|difficult|difficulties|difficulty|harm|harms|harmed|adverse|adversely|"
                      "unfavorable|unfavourable|headwind|headwinds|drag|drags|dragged|weigh on|weighs on|weighed on|"
                      "setback|setbacks|delay|delays|delayed|cancel|cancels|cancelled|canceled|suspend|suspends|suspended|"
                      "halt|halts|halted|tariff|tariffs|trade war|dispute|disputes|strike|strikes|protest|protests|"
                      "shortfall|resigns|resigned|resignation|steps down|ousted|fired|quit|quits|impairment|write down|"
                      "writedown|write off|overbought|dilution|dilutive|stuck|hawkish|turmoil|chaos|backlash|blow" },
    { LEX_WEIGHT, -1.5, "fear|feared|doubt|doubts|doubtful|skeptical|sceptical|skepticism|cautious|caution|cautions|"
                        "unclear|uncertain|volatile|pressured|under pressure|sluggish|soft|tepid|lackluster|lacklustre|"
                        "muted|flat sales|sour|sours|soured|criticism|criticized|criticised|criticize|complain|complains|"
                        "complaint|conflict|downside|expensive|vulnerable|unstable|instability|limbo|withdraw|withdraws|"
                        "reels|reeling|mixed results|backs away|selling pressure|profit taking|insider selling|exodus" },
    { LEX_WEIGHT, -1, "sell|sells|selling|short|shorts|shorted|bear|bears|red|leave|leaves|leaving|close stores|oversupply|"
                      "glut|tight|tightening|tighten|restructuring|rumor|rumors|speculative|question|questions|questioned|"
                      "stop|stops|stopped|debt load|challenge|challenges|challenging|hard|late|low|lows|lags|lag|lagging" },
    { LEX_WEIGHT, -3, "record low|new low|all time low|multi year low|52 week low|loses a bull|cut to sell|cut to neutral|"
                      "cut to hold|cut to underperform|cut at|cuts to neutral|cuts to sell|downgraded to" },
    { LEX_WEIGHT, 3, "52 week high|multi year high|upgraded to|raised to buy|raised to outperform|initiated at buy|"
                     "started at buy|price target lifted|price target hiked|debt reduced|losses narrowed|loss narrows" },
    /* neither, though their words are weighed alone */
    { LEX_WEIGHT, 0, "interest rate|interest rates|hedge fund|short term|long term|gain access|growth stock|growth stocks|"
                     "federal reserve|loss leader|risk free|cut off date|lower house|upper house|bull run date|low cost|"
                     "cost of living|profit and loss|sell side|buy side|hard fork|soft fork|cold wallet|bear stearns|"
                     "high frequency|good morning|good luck|best buy|great britain|like a|looks like|such as|down payment|"
                     "close up|follow up|set up|sign up|start up|start ups|round up|roundup|wrap up|catch up|made up|"
                     "stock market|market wrap|fall season|spring fall|up to date|up next|what's up|raise capital|"
                     "raises capital|raised capital|strike price|call option|put option|stop loss|take profit|well" },
    /* --- what changes others --- */
    { LEX_NEGATE, -0.7, "not|no|never|none|neither|nor|without|hardly|barely|cannot|can't|won't|isn't|aren't|wasn't|weren't|"
                        "doesn't|don't|didn't|hasn't|haven't|hadn't|wouldn't|shouldn't|couldn't|lack of|lacks|lacked|fails to|"
                        "failed to|fail to|unable to|no longer|rules out|ruled out|denies|denied|dismisses|dismissed|avoids|"
                        "avoided|avoid|prevents|prevented|far from|rather than|instead of|despite|shrugs off|shrugged off" },
    { LEX_EMPHASIS, 1.4, "very|sharply|significantly|strongly|massively|massive|huge|hugely|extremely|dramatically|heavily|"
                         "steeply|substantially|enormous|biggest|largest|most|far|much|severely|deeply|rapidly|record" },
    { LEX_EMPHASIS, 0.6, "slightly|somewhat|marginally|modestly|modest|little|a little|a bit|partly|partially|relatively|"
                         "may|might|could|possibly|perhaps|potentially|potential|seems|appears|expected to|likely|less" },
};
/* clang-format on */
const size_t n_lexicon_groups = ARRAY_LEN(lexicon_groups);
