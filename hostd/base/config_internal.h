/* The parts of the configuration's reader: config.c and config_hardware.c only. */
#ifndef MINT_BASE_CONFIG_INTERNAL_H
#define MINT_BASE_CONFIG_INTERNAL_H

#include <confuse.h>

struct conf_file;
struct config;

/* Stations, lines, and how each bay has its power; when the bays are read. 0, MINT_CONFIG, MINT_MEMORY. */
int config_take_hardware(struct config *config, struct conf_file *file, cfg_t *cfg);
void config_free_hardware(struct config *config);

#endif
