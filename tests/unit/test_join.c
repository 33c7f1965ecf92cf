#include "api/server/join.h"
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2]; /* pushed into the first, read from the second */

static int setup(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static ssize_t push(struct server_join *join, const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} cast = { data };
	const giovec_t whole = { cast.out, len };

	return server_join_push(join, fds[0], &whole, 1);
}

static size_t readable(char *out, size_t size)
{
	ssize_t n = recv(fds[1], out, size, 0);

	return n < 0 ? 0 : (size_t)n;
}

static void what_is_not_expected_goes_at_once(void **state)
{
	struct server_join join = { 0 };
	char in[64];

	(void)state;
	assert_int_equal(push(&join, "handshake", 9), 9);
	assert_int_equal(readable(in, sizeof(in)), 9);
	assert_memory_equal(in, "handshake", 9);
}

static void a_head_waits_for_its_body(void **state)
{
	struct server_join join = { .expected = true };
	char in[64];

	(void)state;
	assert_int_equal(push(&join, "head", 4), 4);
	assert_int_equal(readable(in, sizeof(in)), 0);
	assert_int_equal(push(&join, "body", 4), 4);
	assert_int_equal(readable(in, sizeof(in)), 8);
	assert_memory_equal(in, "headbody", 8);
	assert_int_equal(push(&join, "next", 4), 4);
	assert_int_equal(readable(in, sizeof(in)), 4);
}

static void a_head_without_a_body_goes_with_what_comes_next(void **state)
{
	struct server_join join = { .expected = true };
	char in[64];

	(void)state;
	assert_int_equal(push(&join, "head", 4), 4);
	join.expected = true; /* a second answer */
	assert_int_equal(push(&join, "head", 4), 4);
	assert_int_equal(readable(in, sizeof(in)), 8);
}

static void what_is_held_is_freed(void **state)
{
	struct server_join join = { .expected = true };

	(void)state;
	assert_int_equal(push(&join, "head", 4), 4);
	server_join_clear(&join); /* the sanitizer would tell */
	assert_null(join.held);
}

static void a_peer_that_is_gone_is_an_error(void **state)
{
	struct server_join join = { .expected = true };

	(void)state;
	assert_int_equal(push(&join, "head", 4), 4);
	close(fds[1]);
	fds[1] = -1;
	assert_int_equal(push(&join, "body", 4), -1);
	assert_int_equal(errno, EPIPE);
	server_join_clear(&join);
}

static unsigned char octet(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* Whatever fits into the socket when, every octet arrives once and in order. */
static void a_full_socket_loses_nothing(void **state)
{
	enum { TOTAL = 400000 };
	struct server_join join = { 0 };
	unsigned char out[9000];
	char in[3000];
	size_t sent = 0, seen = 0, waits = 0;
	const int small = 4096;

	(void)state;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	srand(1);
	while (sent < TOTAL) {
		size_t len = 1 + (size_t)rand() % sizeof(out), done = 0;

		for (size_t i = 0; i < len; i++)
			out[i] = octet(sent + i);
		join.expected = rand() % 2;
		while (done < len) {
			ssize_t n = push(&join, out + done, len - done);
			size_t got;

			assert_true(n > 0 || (n == -1 && errno == EAGAIN));
			done += n > 0 ? (size_t)n : 0;
			waits += n < 0;
			got = n < 0 ? readable(in, 1 + (size_t)rand() % sizeof(in)) : 0;
			for (size_t i = 0; i < got; i++)
				assert_int_equal((unsigned char)in[i], octet(seen++));
		}
		sent += len;
	}
	for (size_t got; (got = readable(in, sizeof(in))) > 0;)
		for (size_t i = 0; i < got; i++)
			assert_int_equal((unsigned char)in[i], octet(seen++));
	assert_int_equal(seen, sent - join.held_len);
	assert_true(waits > 10);
	server_join_clear(&join);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_not_expected_goes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_head_waits_for_its_body, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_head_without_a_body_goes_with_what_comes_next, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_held_is_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_is_gone_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_socket_loses_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
