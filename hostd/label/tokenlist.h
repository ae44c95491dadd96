/* The tokens of a parcel as a list in columns: as large as fits, the rest for the next page. */
#ifndef MINT_LABEL_TOKENLIST_H
#define MINT_LABEL_TOKENLIST_H

#include <stddef.h>
#include <stdint.h>

struct fields;
struct item;
struct label;
struct raster;
struct typeset;

/* Set item, label and first; tokenlist_plan finds the rest. */
struct tokenlist {
	const struct item  *item;
	const struct label *label;
	size_t              first;   /* index of the first token on this page */
	size_t              count;   /* tokens on this page, at least 1 */
	int                 size;    /* em in dots */
	int                 columns, rows;
};

/* Chooses size and columns for the tokens from `first` on: the largest size at which all fit, else the smallest and as many
 * tokens as it holds. Uses the fields index and serial. 0, MINT_LABEL_GLYPH, MINT_LABEL_TOO_LONG when not even one fits,
 * MINT_MEMORY. */
int tokenlist_plan(struct tokenlist *list, struct typeset *typeset, struct fields *fields, uint32_t *missing);

/* Draws what was planned, first down, then to the right. Errors as above. */
int tokenlist_draw(const struct tokenlist *list, struct typeset *typeset, struct raster *page, struct fields *fields,
    uint32_t *missing);

#endif
