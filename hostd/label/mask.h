/* What a parcel shows of a person: enough to hand it over, no more.
 *
 * The standard for electronic waybills (GB/T 41833, 快递电子运单) wants hidden, on what the public can read: at least one
 * character of the name, at least six digits of the phone, and the unit and room of the address. The tables in mask.c hold
 * the rules, docs/labels.md shows them with examples.
 *
 * Each function takes valid UTF-8 and returns a new string, the caller's to free; NULL when out of memory.
 */
#ifndef MINT_LABEL_MASK_H
#define MINT_LABEL_MASK_H

/* 张伟 → 张*, 欧阳娜娜 → 欧**娜, a single character → *. A character is a code point with the marks behind it. */
char *mask_name(const char *name);

/* 13800138000 → 138******00, 0755-26001234 → 0755-******34. Separators stay where they are. */
char *mask_phone(const char *phone);

/* From the unit, floor or room on everything is hidden: 学院路15号3栋2单元501室 → 学院路15号3栋****. An address that has none of
 * them (a house in a village) is returned as it is. */
char *mask_address(const char *address);

#endif
