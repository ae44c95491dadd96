/* What is to stand on a parcel: the label that travels with tokens by post, or the slip with which they are collected. */
#ifndef MINT_LABEL_LABEL_H
#define MINT_LABEL_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum label_kind { LABEL_SHIPPING, LABEL_COLLECTION /* 现场领取单 */ };

enum { LABEL_APPLICATION_MAX = 48, LABEL_SERIALS_MAX = 1000, LABEL_SERIAL_MAX = 64, LABEL_TEXT_MAX = 1024 };

/* Everything in clear, as the application has it: masking is the business of whoever draws. Strings are UTF-8, never NULL, "" when
 * absent; they belong to the caller and live as long as the label is used. What the courier gives (waybill, routing, hub, product)
 * stays "" until the courier has given it: the station never invents it. */
struct label {
	enum label_kind    kind;
	const char        *application;      /* [0-9A-Za-z._-], at most LABEL_APPLICATION_MAX */
	const char        *organisation;     /* the unit that applied */
	const char        *name, *phone;     /* recipient, or the person who collects */
	const char        *address;          /* "" on a collection slip */
	const char        *collection_point; /* where the tokens are collected; "" on a shipping label */
	const char *const *serials;          /* one a token, in the order of packing */
	size_t             serial_count;
	const char        *waybill;          /* 运单号 */
	const char        *routing;          /* 三段码 */
	const char        *hub;              /* 集包地 */
	const char        *product;          /* the courier's product, 特快 … */
	bool               freight_collect;  /* 到付: the recipient pays the freight */
	bool               urgent;
	const char        *sender_name, *sender_phone, *sender_address; /* the station's own: printed as they are */
	unsigned int       copy;             /* 0 the first print, 1 … reprints */
	int64_t            printed_at;       /* UTC microseconds; part of the label, so that printing it again gives the same dots */
};

/* 0, or MINT_FIELD after `why` was filled with the name of the field and what is wrong with it, never with its content. */
int label_check(const struct label *label, char *why, size_t why_size);

#endif
