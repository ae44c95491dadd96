/* The station's wire: what is put is got, its form is the documented one, and nothing else is taken. */
#include "schemas/station.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
set_is_header_then_fields_little_endian(void **state)
{
	static const uint8_t expected[] = {
		1, 2, 0x34, 0x12,                                /* version, number, sequence */
		0x01, 0x80,                                      /* bays 1 and 16 */
		0x00, 0x80,
		2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
		1, 7,
	};
	struct station_frame frame = { .number = STATION_set, .sequence = 0x1234 };
	uint8_t out[STATION_FRAME_MAX];

	(void)state;
	frame.set = (struct station_set){ .powered = 0x8001, .burning = 0x8000, .sound = STATION_SOUND_done, .sounding = 7 };
	frame.set.light[0] = STATION_LIGHT_working;
	frame.set.light[15] = STATION_LIGHT_take;
	assert_int_equal(station_put(&frame, out), sizeof expected);
	assert_memory_equal(out, expected, sizeof expected);
}

/* Every frame there is, its bytes all different, there and back. */
static void
every_frame_comes_back_as_it_was(void **state)
{
	static const uint8_t numbers[] = {
#define FRAME(name, number, way, fields) number,
#define BARE(name, number, way) number,
#include "schemas/station.def"
	};
	uint8_t out[STATION_FRAME_MAX], again[STATION_FRAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof numbers; i++) {
		struct station_frame frame = { .number = numbers[i], .sequence = (uint16_t)(0xfff0 + i) }, got;
		uint8_t length = station_put(&frame, out);

		assert_in_range(length, STATION_HEADER_BYTES, STATION_FRAME_MAX);
		for (uint8_t at = STATION_HEADER_BYTES; at < length; at++)
			out[at] = (uint8_t)(at * 37);
		assert_int_equal(station_get(&got, out, length), STATION_FINE);
		assert_int_equal(station_put(&got, again), length);
		assert_memory_equal(again, out, length);
		assert_int_equal(station_get(&got, out, length + 1u), STATION_MALFORMED);
		assert_int_equal(station_get(&got, out, length - 1u), length == STATION_HEADER_BYTES ? STATION_SHORT : STATION_MALFORMED);
	}
}

static void
number_not_in_the_list_is_unknown_and_is_not_put(void **state)
{
	static const uint8_t packet[] = { 1, 77, 0, 0 };
	struct station_frame frame = { .number = 77 };
	uint8_t out[STATION_FRAME_MAX];

	(void)state;
	assert_int_equal(station_get(&frame, packet, sizeof packet), STATION_UNKNOWN);
	assert_int_equal(station_put(&frame, out), 0);
}

/* A later version may have other fields: nothing but the header is read, except of `refused`, which never changes. */
static void
other_version_is_recognised_and_only_its_refusal_is_read(void **state)
{
	static const uint8_t set[] = { 2, 2, 9, 0, 1, 2, 3 }, refused[] = { 2, 255, 9, 0, STATION_REFUSAL_version, 2 };
	struct station_frame frame;

	(void)state;
	assert_int_equal(station_get(&frame, set, sizeof set), STATION_OTHER_VERSION);
	assert_int_equal(frame.version, 2);
	assert_int_equal(frame.sequence, 9);
	assert_int_equal(station_get(&frame, refused, sizeof refused), STATION_FINE);
	assert_int_equal(frame.refused.version, 2);
}

/* A person who cannot tell colours apart tells them by their rhythm, whenever he begins to look. */
static void
no_light_has_the_rhythm_of_another(void **state)
{
	static const uint16_t rhythms[] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) rhythm,
#include "schemas/station.def"
	};

	(void)state;
	for (size_t i = 0; i < sizeof rhythms / sizeof *rhythms; i++)
		for (size_t other = 0; other < i; other++)
			for (unsigned turn = 0; turn < 16; turn++)
				assert_int_not_equal(rhythms[i], (uint16_t)(rhythms[other] << turn | rhythms[other] >> (16 - turn)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_is_header_then_fields_little_endian),
		cmocka_unit_test(every_frame_comes_back_as_it_was),
		cmocka_unit_test(number_not_in_the_list_is_unknown_and_is_not_put),
		cmocka_unit_test(other_version_is_recognised_and_only_its_refusal_is_read),
		cmocka_unit_test(no_light_has_the_rhythm_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
