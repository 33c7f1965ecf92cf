/* The listening socket. */
#ifndef API_SERVER_LISTENER_H
#define API_SERVER_LISTENER_H

/*
 * Bind and listen, without blocking: "ADDR:PORT", "[ADDR]:PORT", or ":PORT" for every address, IPv4
 * and IPv6. What goes wrong is logged. CA_EINVAL: not such an address. CA_EIO.
 */
int server_listener_open(const char *address, int *out);

/* Log the address that was bound, which tells the port when 0 was asked for. */
void server_listener_log(int fd);

#endif
