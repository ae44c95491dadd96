/* Texts that go into a certificate, and those that describe one. */
#ifndef MINT_CA_TEXT_H
#define MINT_CA_TEXT_H

/* Why `text` cannot stand in a string of this type (V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING or V_ASN1_IA5STRING) with at most
 * `chars_max` characters (code points): a static English phrase, "is empty", "holds a control character" … NULL when it can. */
const char *text_wrong(const char *text, int string_type, int chars_max);

/* Overwrites the comments of libconfuse's syntax (#, //, C's own) with blanks, newlines stay: libconfuse 3.3 counts lines wrong
 * behind a comment, and a complaint that names the wrong line is worse than none. */
void text_blank_comments(char *text);

#endif
