/* Prints data/samples/applications.json: made-up applications for trying the bench, the same bytes at every run.
 *
 * Places and division codes are real (GB/T 2260); organisations, people, numbers and houses are not: names are put together
 * from the lists below by a fixed generator, check characters are computed, the sequence of every identity number is 000,
 * phone numbers begin with 199000, mail goes to example.com. The approvals lie in one week of January 2026. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hostd/base/identity.h"

#define APPLICATION_COUNT 64
#define COUNT(list) (sizeof list / sizeof list[0])

static const struct place {
	const char *province, *city, *district, *division, *town, *street;
} places[] = {
	{ "北京市", "北京市", "海淀区", "110108", "北京", "中关村南大街" },
	{ "上海市", "上海市", "浦东新区", "310115", "上海", "张江路" },
	{ "广东省", "深圳市", "南山区", "440305", "深圳", "科苑路" },
	{ "广东省", "东莞市", NULL, "441900", "东莞", "鸿福路" },
	{ "浙江省", "杭州市", "西湖区", "330106", "杭州", "文三路" },
	{ "福建省", "福州市", "鼓楼区", "350102", "福州", "五四路" },
	{ "四川省", "成都市", "武侯区", "510107", "成都", "人民南路" },
	{ "陕西省", "西安市", "雁塔区", "610113", "西安", "科技路" },
	{ "新疆维吾尔自治区", "伊犁哈萨克自治州", "伊宁市", "654002", "伊宁", "解放路" },
	{ "内蒙古自治区", "呼和浩特市", "新城区", "150102", "呼和浩特", "新华大街" },
	{ "西藏自治区", "拉萨市", "城关区", "540102", "拉萨", "北京中路" },
	{ "黑龙江省", "哈尔滨市", "南岗区", "230103", "哈尔滨", "红旗大街" },
	{ "重庆市", "重庆市", "渝中区", "500103", "重庆", "民权路" },
	{ "广西壮族自治区", "南宁市", "青秀区", "450103", "南宁", "民族大道" },
	{ "湖北省", "武汉市", "洪山区", "420111", "武汉", "珞喻路" },
	{ "湖南省", "长沙市", "岳麓区", "430104", "长沙", "麓山路" },
};

/* Names of firms that nobody would choose. 䶮 and 㛃 are the characters that old fonts and code pages lack. */
static const char *const firms[] = {
	"禾墨溪", "䶮禾样", "澜朔例", "桐屿范", "㛃云样", "栖岚例", "砚舟范", "芷原样", "霁川例", "木棉范", "青瓷样",
};

static const char *const trades[] = {
	"信息技术有限公司", "建筑工程有限公司", "医疗器械有限公司", "食品贸易有限公司", "物流股份有限公司",
	"环保科技有限责任公司", "招标代理有限公司", "教育咨询有限公司", "农业专业合作社",
	"轨道交通装备制造与运营维护技术服务（集团）股份有限公司",
};

static const char *const surnames[] = { "王", "李", "张", "刘", "陈", "欧阳", "赵", "黄", "司马", "吴", "徐", "谯" };
static const char *const given[] = { "䶮", "敏", "建国", "㛃", "雨桐", "子涵", "志强", "婷婷", "文博", "晓燕", "德全", "思齐", "一" };

/* In order of a walk that mixes large and small: 173 credentials. */
static const unsigned quantities[APPLICATION_COUNT] = {
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 8, 10, 12, 20,
};

static uint64_t generator_state = 20260105;

/* Knuth's MMIX generator; the high bits are the good ones. Draws stand in statements of their own: the order in which
 * arguments are evaluated is the compiler's. */
static unsigned
draw(unsigned below)
{
	generator_state = generator_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((generator_state >> 33) % below);
}

#define PICK(list) (list)[draw((unsigned)COUNT(list))]

static json_t *
make_uscc(const struct place *place)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	char uscc[19];

	snprintf(uscc, sizeof uscc, "91%.6sMA", place->division);
	for (int i = 10; i < 16; i++)
		uscc[i] = alphabet[draw((unsigned)strlen(alphabet))];
	uscc[16] = organisation_check_character(uscc + 8);
	uscc[17] = uscc_check_character(uscc);
	return json_stringn(uscc, 18);
}

static json_t *
make_id_card(const struct place *place)
{
	char id_card[19];
	unsigned year = 1962 + draw(40), month = 1 + draw(12), day = 1 + draw(28);
	int used = snprintf(id_card, sizeof id_card, "%.6s%04u%02u%02u000", place->division, year, month, day);

	id_card[used] = id_card_check_character(id_card);
	return json_stringn(id_card, 18);
}

static json_t *
make_mobile(void)
{
	return json_sprintf("199000%05u", draw(100000));
}

static json_t *
make_chinese_name(void)
{
	const char *surname = PICK(surnames), *name = PICK(given);

	return json_sprintf("%s%s", surname, name);
}

static json_t *
make_name(unsigned number)
{
	return number % 16 == 8 ? json_string("买买提江·阿不都热西提") : make_chinese_name();
}

static json_t *
make_organisation(unsigned number, const struct place *place)
{
	json_t *name;

	if (number % 20 == 7) /* 45 and more characters */
		name = json_sprintf("%s%s%s（%s）%s第%u分公司", place->province, place->city, firms[number % COUNT(firms)], place->town,
		                    trades[COUNT(trades) - 1], number);
	else if (number % 20 == 11)
		name = json_sprintf("%s公共资源交易样例中心", place->city);
	else
		name = json_sprintf("%s%s%s", place->town, firms[number % COUNT(firms)], PICK(trades));
	return json_pack("{s:o, s:o, s:s}", "name", name, "uscc", make_uscc(place), "division", place->division);
}

static json_t *
make_person(unsigned number, const struct place *place)
{
	json_t *name = make_name(number), *id_card = make_id_card(place), *phone = make_mobile();
	json_t *person = json_pack("{s:o, s:o, s:o}", "name", name, "id_card", id_card, "phone", phone);

	if (number % 3 != 0)
		json_object_set_new(person, "email", json_sprintf("sample%03u@example.com", number));
	return person;
}

static json_t *
make_address(unsigned number, const struct place *place)
{
	unsigned house = 1 + draw(300), building = 1 + draw(9), floor = 1 + draw(28), room = 1 + draw(12);

	if (number % 15 == 4)
		return json_sprintf("%s%u号样例产业园二期（原第三机械配件厂旧址）东区%u号楼%u层%02u室，前台代收，请先电话联系", place->street, house,
		                    building, floor, room);
	return json_sprintf("%s%u号%u号楼%u%02u室", place->street, house, building, floor, room);
}

static json_t *
make_delivery(unsigned number, const struct place *place, json_t *person)
{
	json_t *delivery;

	if (number % 6 == 5)
		return json_pack("{s:s, s:o}", "method", "on_site", "collection_point", json_sprintf("%s样例服务大厅3号窗口", place->town));
	delivery = json_pack("{s:s, s:O, s:O, s:s, s:s}", "method", "post", "recipient", json_object_get(person, "name"), "phone",
	                     json_object_get(person, "phone"), "province", place->province, "city", place->city);
	if (number % 16 < 2) /* Beijing and Shanghai have area codes of three digits */
		json_object_set_new(delivery, "phone", json_sprintf("0%u-%08u", number % 16 == 0 ? 10U : 21U, 20000000 + draw(60000000)));
	if (place->district)
		json_object_set_new(delivery, "district", json_string(place->district));
	json_object_set_new(delivery, "address", make_address(number, place));
	if (number % 8 == 1)
		json_object_set_new(delivery, "freight_collect", json_false());
	return delivery;
}

/* The organisation's own first, then its legal representative, a handler, a department, and its own again. */
static json_t *
make_credentials(unsigned quantity, json_t *person)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < quantity; i++) {
		json_t *credential = json_object();
		static const char *const roles[] = { "unit", "legal_representative", "handler", "department" };

		json_object_set_new(credential, "role", json_string(i < COUNT(roles) ? roles[i] : "unit"));
		if (i == 1)
			json_object_set_new(credential, "holder", make_chinese_name());
		else if (i == 2)
			json_object_set(credential, "holder", json_object_get(person, "name"));
		else if (i == 3)
			json_object_set_new(credential, "holder", json_string("财务部"));
		json_array_append_new(list, credential);
	}
	return list;
}

static json_t *
make_application(unsigned number)
{
	const struct place *place = &places[number % COUNT(places)];
	unsigned quantity = quantities[number * 37 % APPLICATION_COUNT], minute = number * 7;
	json_t *organisation = make_organisation(number, place), *person = make_person(number, place);
	json_t *application = json_pack("{s:o, s:s, s:s, s:i, s:s}", "reference", json_sprintf("SQ202601-%04u", number + 1), "kind",
	                                "new", "medium", "token", "quantity", (int)quantity, "key_type",
	                                number % 3 == 1 ? "rsa2048" : "p256");

	if (quantity >= 2 && number % 3 != 2)
		json_object_set_new(application, "credentials", make_credentials(quantity, person));
	json_object_set_new(application, "organisation", organisation);
	json_object_set_new(application, "person", person);
	json_object_set_new(application, "delivery", make_delivery(number, place, person));
	json_object_set_new(application, "approved_at",
	                    json_sprintf("2026-01-%02uT%02u:%02u:00+08:00", 5 + number % 5, 9 + minute / 60, minute % 60));
	if (number % 9 == 3)
		json_object_set_new(application, "urgent", json_true());
	if (number % 13 == 6)
		json_object_set_new(application, "remark", json_string("周五前投标，请优先寄出"));
	return application;
}

int
main(void)
{
	puts("[");
	for (unsigned number = 0; number < APPLICATION_COUNT; number++) {
		json_t *application = make_application(number);

		if (!application || json_dumpf(application, stdout, JSON_COMPACT) != 0)
			return 1;
		json_decref(application);
		puts(number + 1 < APPLICATION_COUNT ? "," : "");
	}
	puts("]");
	return fflush(stdout) != 0;
}
