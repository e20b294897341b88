/* Takes the supervisor's signals, gives them back to children, and passes on to a later generation what was not yet done. */
#include <signal.h>

#include "fcgi/supervisor/signals.h"
#include "fcgi/worker/worker.h"

by__asked_for by__asked;

static void on_signal(int number)
{
	switch (number) {
	case SIGHUP:
		by__asked.reload++;
		break;
	case SIGUSR2:
		by__asked.upgrade++;
		break;
	case SIGUSR1:
		by__asked.reopen++;
		break;
	case SIGCHLD: /* it ends the wait, which is all */
		break;
	default:
		by__asked.stop++;
	}
}

static const int handled[] = { SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2 };

void by__signals_take(by__supervisor *s)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < BY_COUNT(handled); i++)
		(void)sigaddset(&blocked, handled[i]);
	(void)sigprocmask(SIG_BLOCK, &blocked, &s->waiting);
	for (size_t i = 0; i < BY_COUNT(handled); i++) {
		/* An earlier generation has left them blocked. */
		(void)sigdelset(&s->waiting, handled[i]);
		(void)sigaction(handled[i], &action, NULL);
	}
}

void by__signals_give_back(const by__supervisor *s, bool hold)
{
	static const int held[] = { BY__TELL_STOP, BY__TELL_TURN, BY__TELL_REOPEN, SIGINT, SIGQUIT };
	sigset_t mask = s->waiting;

	for (size_t i = 0; hold && i < BY_COUNT(held); i++)
		(void)sigaddset(&mask, held[i]);
	for (size_t i = 0; i < BY_COUNT(handled); i++)
		(void)signal(handled[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

void by__signals_pass_on(void)
{
	static const struct {
		volatile sig_atomic_t *asked;
		int                    number;
	} kept[] = {
		{ &by__asked.stop, SIGTERM }, { &by__asked.reload, SIGHUP }, { &by__asked.upgrade, SIGUSR2 }, { &by__asked.reopen, SIGUSR1 }
	};

	for (size_t i = 0; i < BY_COUNT(kept); i++) {
		if (*kept[i].asked > 0)
			(void)raise(kept[i].number);
		*kept[i].asked = 0;
	}
}
