#include "tools/pinoffice/opener.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { TAG_BYTES = 16 };

/* --- whom it is for */

/* What a recipient is called by: issuer and serial number, or the key's identifier. */
struct recipient {
	X509_NAME         *issuer;
	ASN1_INTEGER      *serial;
	ASN1_OCTET_STRING *key_id;
	int                is_ours; /* of the certificate at hand */
};

static int
read_transport(CMS_RecipientInfo *info, X509 *certificate, struct recipient *recipient)
{
	recipient->is_ours = certificate && CMS_RecipientInfo_ktri_cert_cmp(info, certificate) == 0;
	return CMS_RecipientInfo_ktri_get0_signer_id(info, &recipient->key_id, &recipient->issuer, &recipient->serial) == 1;
}

static int
read_agreement(CMS_RecipientInfo *info, X509 *certificate, struct recipient *recipient)
{
	STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(info);

	for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++) {
		CMS_RecipientEncryptedKey *key = sk_CMS_RecipientEncryptedKey_value(keys, i);

		recipient->is_ours = certificate && CMS_RecipientEncryptedKey_cert_cmp(key, certificate) == 0;
		if (CMS_RecipientEncryptedKey_get0_id(key, &recipient->key_id, NULL, NULL, &recipient->issuer, &recipient->serial) != 1)
			return 0;
		if (recipient->is_ours)
			break;
	}
	return sk_CMS_RecipientEncryptedKey_num(keys) > 0;
}

/* The recipient that is ours, else the last one. 0: there is none that a certificate could be for. */
static int
find_recipient(CMS_ContentInfo *cms, X509 *certificate, struct recipient *found)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
	int any = 0;

	for (int i = 0; i < sk_CMS_RecipientInfo_num(infos) && !found->is_ours; i++) {
		CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
		struct recipient recipient = { .issuer = NULL };
		int type = CMS_RecipientInfo_type(info);
		int good = (type == CMS_RECIPINFO_TRANS && read_transport(info, certificate, &recipient)) ||
		    (type == CMS_RECIPINFO_AGREE && read_agreement(info, certificate, &recipient));

		if (good)
			*found = recipient;
		any |= good;
	}
	return any;
}

static void
print_hex(BIO *out, const ASN1_STRING *bytes)
{
	for (int i = 0; i < ASN1_STRING_length(bytes); i++)
		BIO_printf(out, "%02X", ASN1_STRING_get0_data(bytes)[i]);
}

static void
name_recipient(const struct recipient *recipient, char *detail)
{
	BIO *out = BIO_new(BIO_s_mem());
	int got;

	if (!out)
		return;
	if (recipient->issuer) {
		X509_NAME_print_ex(out, recipient->issuer, 0, XN_FLAG_RFC2253);
		BIO_puts(out, " / ");
		print_hex(out, recipient->serial);
	} else if (recipient->key_id) {
		print_hex(out, recipient->key_id);
	}
	got = BIO_read(out, detail, FAULT_DETAIL_BYTES - 1);
	detail[got > 0 ? got : 0] = '\0';
	BIO_free(out);
}

/* --- what it is */

static CMS_ContentInfo *
parse(const uint8_t *der, size_t length)
{
	const uint8_t *at = der;
	CMS_ContentInfo *cms = length <= OPENER_FILE_MAX ? d2i_CMS_ContentInfo(NULL, &at, (long)length) : NULL;
	int type = cms ? OBJ_obj2nid(CMS_get0_type(cms)) : NID_undef;

	if ((type == NID_pkcs7_enveloped || type == NID_id_smime_ct_authEnvelopedData) && at == der + length)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

static int
is_authenticated(const CMS_ContentInfo *cms)
{
	return OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
}

/* OpenSSL takes a tag cut to a single byte, which every 256th changed text would pass. The tag is the last thing in DER, where nothing
 * unauthenticated follows it; that, too, is nothing we want. */
static int
has_whole_tag(CMS_ContentInfo *cms)
{
	uint8_t *der = NULL;
	int length = i2d_CMS_ContentInfo(cms, &der);
	int whole = length > TAG_BYTES + 2 && der[length - TAG_BYTES - 2] == V_ASN1_OCTET_STRING && der[length - TAG_BYTES - 1] == TAG_BYTES;

	OPENSSL_free(der);
	return whole;
}

/* --- opening it */

/* What stands there before the tag was found good is thrown away, not looked at. */
static int
decrypt(const struct office_key *key, CMS_ContentInfo *cms, BIO *out)
{
	return (!is_authenticated(cms) || has_whole_tag(cms)) && CMS_decrypt(cms, key->key, key->certificate, NULL, out, 0) == 1 ? 0 : -1;
}

static enum fault
read_content(BIO *out, struct content *content, char *detail)
{
	const char *why = NULL;
	char *text = NULL;
	long length = BIO_get_mem_data(out, &text);

	if (content_read(length > 0 ? text : "", length > 0 ? (size_t)length : 0, content, &why) == 0)
		return FAULT_none;
	snprintf(detail, FAULT_DETAIL_BYTES, "%s", why);
	return FAULT_content;
}

enum fault
opener_open(const struct office_key *key, const uint8_t *der, size_t length, struct content *content, char *detail)
{
	CMS_ContentInfo *cms = parse(der, length);
	BIO *out = BIO_new(BIO_s_mem()); /* wiped when freed (BUF_MEM_free) */
	struct recipient recipient = { .issuer = NULL };
	enum fault fault, unopened = key->certificate ? FAULT_damaged : FAULT_not_opened;

	memset(content, 0, sizeof *content);
	*detail = '\0';
	if (!out) {
		fault = FAULT_memory;
	} else if (!cms || !find_recipient(cms, key->certificate, &recipient)) {
		fault = FAULT_no_envelope;
	} else if (key->certificate && !recipient.is_ours) {
		fault = FAULT_other_office;
		name_recipient(&recipient, detail);
	} else if (decrypt(key, cms, out) != 0) {
		fault = unopened;
		name_recipient(&recipient, detail);
	} else {
		fault = read_content(out, content, detail);
		/* With AES-CBC a wrong key or a changed text may also come out as nonsense. */
		if (fault == FAULT_content && !is_authenticated(cms))
			fault = unopened;
	}
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return fault;
}
