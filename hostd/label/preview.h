/* Looking at a label without a station: for designers of layouts and for tests. */
#ifndef MINT_LABEL_PREVIEW_H
#define MINT_LABEL_PREVIEW_H

struct renderer;

/* Renders the label of a JSON file (docs/labels.md) and writes NUMBER.png and NUMBER.zpl for each page into `directory`, always anew. Prints
 * the paths. 0 or any error of reading, rendering and printing, logged. */
int preview(struct renderer *renderer, const char *json_path, const char *directory);

#endif
