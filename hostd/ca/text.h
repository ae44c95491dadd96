/* Texts that go into a certificate. */
#ifndef MINT_CA_TEXT_H
#define MINT_CA_TEXT_H

/* Why `text` cannot stand in a string of this type (V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING or V_ASN1_IA5STRING) with at most
 * `chars_max` characters (code points): a static English phrase, "is empty", "holds a control character" … NULL when it can. */
const char *text_wrong(const char *text, int string_type, int chars_max);

#endif
