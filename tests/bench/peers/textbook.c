/*
 * libfcgi as its own examples use it: threads that block in FCGX_Accept_r. Fairly tuned: keep-alive on, and as many
 * threads as the load has connections, and half as many again, since each kept connection holds one.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 48 };

static int listener;

static void *work(void *argument)
{
	FCGX_Request request;

	FCGX_InitRequest(&request, listener, 0);
	while (FCGX_Accept_r(&request) == 0)
		FCGX_PutS("Content-Type: application/json\r\n\r\n"
		    "{\"message\":\"pong\",\"service\":\"lab\",\"time\":\"2026-01-01T00:00:00.000000Z\"}", request.out);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc != 2) {
		fprintf(stderr, "usage: textbook SOCKET\n");
		return 64;
	}
	FCGX_Init();
	listener = FCGX_OpenSocket(argv[1], 1024);
	if (listener < 0)
		return 1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
