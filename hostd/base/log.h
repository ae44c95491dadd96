/* Log lines to standard error, one event a line: `<N>program: object: what failed: what to do`.
 *
 * <N> is the syslog level that systemd reads from the stream (sd-daemon(3)); it is left out on a terminal.
 * Personal data, PINs and keys never stand in a log line: callers name objects by number.
 */
#ifndef MINT_BASE_LOG_H
#define MINT_BASE_LOG_H

/* Levels of RFC 5424, section 6.2.1, as far as they are used. */
enum log_level { LOG_LEVEL_NONE = -1, LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Call first. `program` is kept, not copied. Level from MINT_LOG (none, error, warning, info, debug), default info. */
void log_open(const char *program);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
