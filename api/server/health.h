/*
 * Is micad fit to issue? A thread, the housekeeper, finds out at intervals, so that /readyz only
 * reads the result. It also renews micad's own certificate, forgets tokens that ended, and
 * revokes what a removed tenant had certified.
 */
#ifndef API_SERVER_HEALTH_H
#define API_SERVER_HEALTH_H

struct server;
struct server_health;

/* Start the thread. Until its first look is over micad is not ready ("stale"). */
int server_health_start(struct server *server, struct server_health **out);

/* Stop the thread and free. NULL is fine. */
void server_health_stop(struct server_health *health);

/* Look around now, not at the next interval. NULL is fine. */
void server_health_wake(struct server_health *health);

/* NULL when micad is ready, else what it lacks: "store", "issuer", "clock", "stale". Static. */
const char *server_health_reason(struct server_health *health);

#endif
