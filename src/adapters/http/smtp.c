/* adapters/http/smtp.c - see smtp.h. */

#include "adapters/http/smtp.h"

#include <curl/curl.h>

enum { CONNECT_MS = 5000, TOTAL_MS = 20000, RECIPIENTS_MAX = 32 };

typedef struct Reading {
    Str data;
    size_t at;
} Reading;

static size_t read_data(char *to, size_t size, size_t n, void *arg) {
    Reading *r = arg;
    size_t take = MIN(size * n, r->data.n - r->at);
    memcpy(to, r->data.p + r->at, take);
    r->at += take;
    return take;
}

static int verdict(Ctx *cx, CURL *h, CURLcode code, const char *words) {
    long answer = 0;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &answer);
    if (code == CURLE_OK)
        return 0;
    int r = code == CURLE_OPERATION_TIMEDOUT                                       ? ERR_TIMEOUT
            : code == CURLE_LOGIN_DENIED || code == CURLE_PEER_FAILED_VERIFICATION ? ERR_DENIED
            : answer >= 500 && answer < 600                                        ? ERR_INVALID
                                                                                   : ERR_UNAVAILABLE;
    return err_set(cx, r, "the mail server did not take it: %s (%ld)", words[0] ? words : curl_easy_strerror(code),
                   answer);
}

static struct curl_slist *recipients(Ctx *cx, Str to) {
    struct curl_slist *list = NULL;
    Str one;
    for (int i = 0; i < RECIPIENTS_MAX && to.n && str_next(&to, ',', &one); i++)
        list = curl_slist_append(list, str_cz(cx->arena, str_trim(one)));
    return list;
}

static int smtp_send(Mailer *m, Ctx *cx, const Mail *mail) {
    UNUSED(m);
    char words[CURL_ERROR_SIZE] = "";
    CURL *h = curl_easy_init();
    if (!h)
        return err_set(cx, ERR_UNAVAILABLE, "libcurl cannot start");
    Reading reading = { mail->data, 0 };
    struct curl_slist *to = recipients(cx, mail->to);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(h, CURLOPT_URL, str_cz(cx->arena, mail->url));
    curl_easy_setopt(h, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    curl_easy_setopt(h, CURLOPT_MAIL_FROM, str_cz(cx->arena, mail->from));
    curl_easy_setopt(h, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(h, CURLOPT_READFUNCTION, read_data);
    curl_easy_setopt(h, CURLOPT_READDATA, &reading);
    curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)MAX(ctx_left_ms(cx, TOTAL_MS), INT64_C(1)));
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, words);
    int r = verdict(cx, h, curl_easy_perform(h), words);
    curl_slist_free_all(to);
    curl_easy_cleanup(h);
    return r;
}

static void smtp_close(Mailer *m) {
    mem_free(m);
}

int smtp_mailer_open(Ctx *cx, Mailer **out) {
    static const MailerOps ops = { "smtp", smtp_send, smtp_close };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(cx, ERR_UNAVAILABLE, "libcurl cannot start");
    Mailer *m = mem_new(Mailer);
    m->ops = &ops;
    *out = m;
    return 0;
}
