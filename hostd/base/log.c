/* Log lines to standard error: one write per line, so that lines of several processes never mix. */
#include "hostd/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "mintbench";
static enum log_level threshold = LOG_LEVEL_INFO;
static int with_level;

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "none", LOG_LEVEL_NONE },
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

void
log_open(const char *program)
{
	const char *wanted = getenv("MINT_LOG");

	program_name = program;
	with_level = !isatty(STDERR_FILENO);
	for (size_t i = 0; wanted && i < sizeof levels / sizeof levels[0]; i++)
		if (strcmp(levels[i].name, wanted) == 0)
			threshold = levels[i].level;
}

static void log_line(enum log_level, const char *, va_list) __attribute__((format(printf, 2, 0)));

static void
log_line(enum log_level level, const char *format, va_list arguments)
{
	char line[1024];
	int used;

	if (level > threshold)
		return;
	used = with_level ? snprintf(line, sizeof line, "<%d>%s: ", level, program_name)
	                  : snprintf(line, sizeof line, "%s: ", program_name);
	used += vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
	if (used > (int)sizeof line - 2)
		used = (int)sizeof line - 2;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)used) < 0)
		return; /* nowhere left to say it */
}

#define LOG_FUNCTION(name, level) \
	void name(const char *format, ...) \
	{ \
		va_list arguments; \
		va_start(arguments, format); \
		log_line(level, format, arguments); \
		va_end(arguments); \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
