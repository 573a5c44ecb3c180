/* core/job: the table of states, cell by cell (MDS-41), and the delays of retries (RES-07). */

#include "core/job.h"
#include "lib/test.h"

TEST(every_cell_of_the_table_is_what_the_documents_want_MDS_41) {
    /* One letter a cell: the state's own first letter, t for retrying, g for stopping; '!' refused, '.' ignored,
     * '*' scheduled where armed, else stopped. Columns: start stop run fire claim done fail give_up resume. */
    static const struct {
        const char *name;
        JobState state;
        const char *cells;
    } rows[] = {
        { "stopped", JOB_STOPPED, "c!q......" },   { "scheduled", JOB_SCHEDULED, "!sqq....." },
        { "queued", JOB_QUEUED, "!s!.r..*q" },     { "running", JOB_RUNNING, "!g!..*t*q" },
        { "retrying", JOB_RETRYING, "!s!.r..*t" }, { "stopping", JOB_STOPPING, "!!!..ssss" },
    };
    static const char letters[] = "scqrtg";
    EACH_ROW (r, rows)
        for (int event = 0; event < JOB_EVENTS; event++)
            for (int armed = 0; armed < 2; armed++) {
                JobState to = JOB_STATES;
                int got = job_next(r->state, (JobEvent)event, armed, &to);
                char want = r->cells[event];
                if (want == '!' || want == '.') {
                    CHECK_EQ(got, want == '!' ? JOB_REFUSED : JOB_IGNORED);
                    CHECK_EQ(to, JOB_STATES); /* untouched */
                    continue;
                }
                CHECK_EQ(got, 0);
                CHECK_EQ(to, want == '*' ? (armed ? JOB_SCHEDULED : JOB_STOPPED)
                                         : (JobState)(strchr(letters, want) - letters));
            }
}

TEST(delays_double_from_two_seconds_RES_07) {
    CHECK_EQ(job_backoff_ms(2000, 1), 2000);
    CHECK_EQ(job_backoff_ms(2000, 2), 4000);
    CHECK_EQ(job_backoff_ms(2000, 3), 8000);
    CHECK_EQ(job_backoff_ms(2000, 40), MS_PER_HOUR);
}

TEST(names_read_back) {
    for (int i = 0; i < JOB_STATES; i++) {
        JobState s;
        CHECK(job_state_parse(str_c(job_state_name((JobState)i)), &s) && s == (JobState)i);
    }
    for (int i = 0; i <= MISSED_ALL; i++) {
        JobMissed m;
        CHECK(job_missed_parse(str_c(job_missed_name((JobMissed)i)), &m) && m == (JobMissed)i);
    }
    JobState s;
    CHECK(!job_state_parse(S("dead"), &s));
}

TESTS(T(every_cell_of_the_table_is_what_the_documents_want_MDS_41), T(delays_double_from_two_seconds_RES_07),
      T(names_read_back))
