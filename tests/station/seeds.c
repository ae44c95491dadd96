/* The corpus of fuzz-station, from the list: each frame there is, then a while of time and hands, then the frame again.
 *
 *   station-seeds DIRECTORY      writes one file a frame; committed as tests/fuzz/corpus/station
 */
#include "schemas/station.h"

#include <stdio.h>

struct named {
	const char *name;
	uint8_t     number;
};

static const struct named frames[] = {
#define FRAME(name, number, way, fields) { #name, number },
#define BARE(name, number, way) { #name, number },
#include "schemas/station.def"
};

/* 50 ms: bay 1 occupied, bay 2 flagged, the confirm button pressed, 5000 mV on bay 1. */
static const uint8_t meanwhile[] = { 128 + 50, 1, 0, 2, 0, 1, 0, 0x88, 0x13 };

static void
write_frame(FILE *file, uint8_t number)
{
	struct station_frame frame = { .number = number, .sequence = number };
	uint8_t packet[STATION_FRAME_MAX], length;

	if (number == STATION_set)
		frame.set = (struct station_set){ .powered = 3, .burning = 1, .light = { STATION_LIGHT_working }, .sound = STATION_SOUND_done };
	length = station_put(&frame, packet);
	fputc(length, file);
	fwrite(packet, 1, length, file);
}

static int
write_seed(const char *directory, const struct named *frame)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, frame->name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		return 1;
	}
	write_frame(file, frame->number);
	fwrite(meanwhile, 1, sizeof meanwhile, file);
	write_frame(file, frame->number);
	return fclose(file) != 0;
}

int
main(int argc, char **argv)
{
	int failed = argc != 2;

	for (size_t i = 0; i < sizeof frames / sizeof *frames && !failed; i++)
		failed = write_seed(argv[1], &frames[i]);
	if (argc != 2)
		fprintf(stderr, "station-seeds DIRECTORY\n");
	return failed;
}
