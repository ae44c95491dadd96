/* mint-label's side of the conversation with mint-queue: print in, printed or print_failed out (schemas/messages.def). */
#ifndef MINT_LABEL_STATION_H
#define MINT_LABEL_STATION_H

struct program_info;

/* For program_main. Takes label_layouts and printer of the configuration; begins by warming the fonts. */
extern const struct program_info station_info;

#endif
