/* The listeners: a Unix socket, and a TCP port on loopback if the configuration wants one. */
#ifndef MINT_API_DOOR_H
#define MINT_API_DOOR_H

struct api;
struct evhttp_request;

/* Opens what the configuration names and writes the port's file. 0, MINT_SYSTEM or MINT_BUSY after a log line. */
int door_open(struct api *api);

/* Takes nothing new; open connections stay. */
void door_shut(struct api *api);

/* Ends the connections and frees. */
void door_close(struct api *api);

/* 1 when a browser sent this on behalf of another site's page, or under a name that is not this host's (DNS rebinding).
 * Only for requests over TCP. */
int door_is_foreign(struct evhttp_request *request);

/* 1 when a Host header names loopback: "127.0.0.1", "localhost" or "[::1]", with or without a port. */
int door_host_is_ours(const char *host);

/* "uid:1000(name)" of the process at the other end of a Unix socket; "uid:?" when the kernel does not say. */
void door_actor(struct evhttp_request *request, char *actor, unsigned actor_bytes);

#endif
