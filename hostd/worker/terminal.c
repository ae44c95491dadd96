#include "hostd/worker/terminal.h"
#include "schemas/errors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

int
terminal_open(struct terminal *terminal, const struct model_prompt *prompts, size_t prompt_count)
{
	*terminal = (struct terminal){ .prompts = prompts, .prompt_count = prompt_count };
	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->master < 0)
		return MINT_SYSTEM;
	if (grantpt(terminal->master) == 0 && unlockpt(terminal->master) == 0 &&
	    ptsname_r(terminal->master, terminal->name, sizeof terminal->name) == 0)
		return 0;
	close(terminal->master);
	return MINT_SYSTEM;
}

int
terminal_enter(const struct terminal *terminal)
{
	struct termios modes;
	int slave;

	if (setsid() < 0)
		return -1;
	slave = open(terminal->name, O_RDWR); /* the first one that a session leader opens becomes its own */
	if (slave < 0 || tcgetattr(slave, &modes) != 0)
		return -1;
	modes.c_lflag |= ECHO; /* the program turns it off itself: that is how terminal_answer knows that it reads */
	return tcsetattr(slave, TCSANOW, &modes) == 0 ? slave : -1;
}

static void
keep(struct terminal *terminal, const char *text, size_t length)
{
	size_t have = strlen(terminal->heard), room = sizeof terminal->heard - 1;

	if (length > room) {
		text += length - room;
		length = room;
	}
	if (have + length > room) {
		size_t drop = have + length - room;

		memmove(terminal->heard, terminal->heard + drop, have - drop);
		have -= drop;
	}
	memcpy(terminal->heard + have, text, length);
	terminal->heard[have + length] = '\0';
}

/* A code too short to be one answers nothing: an empty line would be a wrong PIN. */
static void
type(const struct terminal *terminal, const char *code)
{
	const struct iovec parts[] = {
		{ (void *)(uintptr_t)code, strlen(code) }, { (void *)(uintptr_t)"\n", 1 },
	};

	if (*code && writev(terminal->master, parts, 2) < 0)
		return; /* the program has gone, which its end tells */
}

/* A prompt stands in the last line and waits there. The same words in a line that has ended are an announcement: pkcs15-init says
 * "PIN [Security Officer PIN] required." first, and throws away what was typed before it asks. */
static const char *
last_line(const struct terminal *terminal)
{
	const char *end = strrchr(terminal->heard, '\n');

	return end ? end + 1 : terminal->heard;
}

void
terminal_hear(struct terminal *terminal, const char *text, size_t length)
{
	keep(terminal, text, length);
}

static int
prompt_that_stands(const struct terminal *terminal)
{
	for (size_t i = 0; i < terminal->prompt_count && i < 32; i++)
		if (!(terminal->answered & 1u << i) && strstr(last_line(terminal), terminal->prompts[i].text))
			return (int)i;
	return -1;
}

/* OpenSC's util_getpass (src/tools/util.c) writes the prompt first and then turns echo off with TCSAFLUSH, which throws away what was
 * typed in between. Linux flushes before the new modes can be seen (set_termios in drivers/tty/tty_ioctl.c), and shows the slave's
 * modes at the master: with echo off nothing is thrown away any more. */
static bool
is_read_unseen(const struct terminal *terminal)
{
	struct termios modes;

	return tcgetattr(terminal->master, &modes) == 0 && !(modes.c_lflag & ECHO);
}

bool
terminal_answer(struct terminal *terminal, const struct codes *codes)
{
	int i = prompt_that_stands(terminal);

	if (i < 0)
		return false;
	if (!is_read_unseen(terminal))
		return true;
	terminal->answered |= 1u << i;
	terminal->heard[0] = '\0';
	type(terminal, codes->text[terminal->prompts[i].answer]);
	return false;
}
