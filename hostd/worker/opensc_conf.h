/* The opensc.conf of one worker: one reader visible, one driver, nothing cached (opensc.conf(5)).
 *
 * OpenSC probes every reader that it can see and blocks behind a card that generates a key; so every other reader is named
 * in ignored_readers. The list is a list of substrings: the names of readers present now, so it is written anew for each worker,
 * and the ends of the names that readers would have which come later.
 */
#ifndef MINT_WORKER_OPENSC_CONF_H
#define MINT_WORKER_OPENSC_CONF_H

/* What a model's profile says of OpenSC; NULL members: OpenSC's own choice. */
struct opensc_choice {
	const char *driver;   /* card driver */
	const char *profiles; /* directory of the profiles that objects are stored by */
};

/* Writes the text for `reader` to *text (the caller frees). `names` as of card_readers; `choice` NULL: nothing is known yet.
 * MINT_READER when `reader` is not among them, when another reader's name is a part of its name (ignoring that one would
 * hide ours as well), or when a name cannot be written into the file. */
int opensc_conf_text(const char *reader, const char *names, const struct opensc_choice *choice, char **text);

/* Writes it to `path`, mode 0600, for the readers that pcscd has now, and sets OPENSC_CONF. */
int opensc_conf_write(const char *path, const char *reader, const struct opensc_choice *choice);

#endif
