/* Problem documents (RFC 9457): what a client gets instead of an answer. */
#ifndef API_SERVER_PROBLEM_H
#define API_SERVER_PROBLEM_H

struct server_request;

/*
 * Make the request's answer the problem document for error, with the sentence in request->why and
 * what to do next. Never fails: out of memory gives an empty 503.
 */
void server_problem(struct server_request *request, int error);

#endif
