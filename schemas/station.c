/* Encoding of the station's frames: one put and one get for each field type; the list does the rest. */
#include "schemas/station.h"

/* Where reading or writing stands. Nothing here can run over: lengths are compared before a field is touched. */
struct place {
	uint8_t       *out;
	const uint8_t *in;
};

static void
put_u8(struct place *p, uint8_t value)
{
	*p->out++ = value;
}

static void
put_u16(struct place *p, uint16_t value)
{
	put_u8(p, (uint8_t)value);
	put_u8(p, (uint8_t)(value >> 8));
}

static void
put_u32(struct place *p, uint32_t value)
{
	put_u16(p, (uint16_t)value);
	put_u16(p, (uint16_t)(value >> 16));
}

static uint8_t
get_u8(struct place *p)
{
	return *p->in++;
}

static uint16_t
get_u16(struct place *p)
{
	uint16_t low = get_u8(p);

	return (uint16_t)(low | get_u8(p) << 8);
}

static uint32_t
get_u32(struct place *p)
{
	uint32_t low = get_u16(p);

	return low | (uint32_t)get_u16(p) << 16;
}

#define FIELD(type, name) put_##type(p, v->name);
#define ARRAY(type, name, count) for (uint8_t i = 0; i < (count); i++) put_##type(p, v->name[i]);
#define FRAME(name, number, way, fields) \
	static void put_frame_##name(struct place *p, const struct station_##name *v) { fields }
#include "schemas/station.def"

#define FIELD(type, name) v->name = get_##type(p);
#define ARRAY(type, name, count) for (uint8_t i = 0; i < (count); i++) v->name[i] = get_##type(p);
#define FRAME(name, number, way, fields) \
	static void get_frame_##name(struct place *p, struct station_##name *v) { fields }
#include "schemas/station.def"

/* The fields as bytes lie on the wire, for their lengths. */
#define FIELD(type, name) uint8_t name[sizeof(station_##type)];
#define ARRAY(type, name, count) uint8_t name[sizeof(station_##type) * (count)];
#define FRAME(name, number, way, fields) \
	struct wire_##name { fields }; \
	_Static_assert(STATION_HEADER_BYTES + sizeof(struct wire_##name) <= STATION_FRAME_MAX, #name " is longer than a frame may be");
#include "schemas/station.def"

static uint8_t
put_fields(struct place *p, const struct station_frame *frame)
{
	switch (frame->number) {
#define FRAME(name, number, way, fields) \
	case STATION_##name: \
		put_frame_##name(p, &frame->name); \
		return (uint8_t)(STATION_HEADER_BYTES + sizeof(struct wire_##name));
#define BARE(name, number, way) \
	case STATION_##name: \
		return STATION_HEADER_BYTES;
#include "schemas/station.def"
	default:
		return 0;
	}
}

uint8_t
station_put(const struct station_frame *frame, uint8_t *out)
{
	struct place place = { .out = out };

	put_u8(&place, STATION_VERSION);
	put_u8(&place, frame->number);
	put_u16(&place, frame->sequence);
	return put_fields(&place, frame);
}

static enum station_fault
get_fields(struct place *p, struct station_frame *frame, size_t length)
{
	switch (frame->number) {
#define FRAME(name, number, way, fields) \
	case STATION_##name: \
		if (length != sizeof(struct wire_##name)) \
			return STATION_MALFORMED; \
		get_frame_##name(p, &frame->name); \
		return STATION_FINE;
#define BARE(name, number, way) \
	case STATION_##name: \
		return length == 0 ? STATION_FINE : STATION_MALFORMED;
#include "schemas/station.def"
	default:
		return STATION_UNKNOWN;
	}
}

enum station_fault
station_get(struct station_frame *frame, const uint8_t *packet, size_t length)
{
	struct place place = { .in = packet };

	if (length < STATION_HEADER_BYTES)
		return STATION_SHORT;
	frame->version = get_u8(&place);
	frame->number = get_u8(&place);
	frame->sequence = get_u16(&place);
	if (frame->version != STATION_VERSION && frame->number != STATION_refused)
		return STATION_OTHER_VERSION;
	return get_fields(&place, frame, length - STATION_HEADER_BYTES);
}
