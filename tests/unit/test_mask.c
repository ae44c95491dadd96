/* Masking: expected values were worked out by hand from the rule (at least one character of the name, six digits of the phone,
 * unit and room of the address). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hostd/label/mask.h"

struct pair {
	const char *plain, *masked;
};

static void
compare(char *(*mask)(const char *), const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *masked = mask(pairs[i].plain);
		assert_non_null(masked);
		assert_string_equal(masked, pairs[i].masked);
		free(masked);
	}
}

#define COMPARE(mask, pairs) compare(mask, pairs, sizeof(pairs) / sizeof(pairs)[0])

static void
name_hides_at_least_one_character(void **state)
{
	static const struct pair pairs[] = {
		{ "张", "*" },
		{ "张伟", "张*" },
		{ "诸葛亮", "诸*亮" },
		{ "欧阳娜娜", "欧**娜" },
		{ "买买提·吐尔逊", "买*****逊" },
		{ "Ann Lee", "A*****e" },
		{ "", "" },
	};

	(void)state;
	COMPARE(mask_name, pairs);
}

static void
name_counts_characters_beyond_the_basic_plane_once(void **state)
{
	static const struct pair pairs[] = {
		{ "\U0002B361", "*" },                      /* 𫍡 */
		{ "王\U0002B361", "王*" },
		{ "\U0002B361王", "\U0002B361*" },
		{ "王\u4DAE\U0002B361", "王*\U0002B361" },  /* 䶮 */
		{ "\u36C3\u4DAE", "\u36C3*" },              /* 㛃 */
		{ "葛\U000E0100城", "葛\U000E0100*" },      /* a variation selector belongs to the character before it */
		{ "王葛\U000E0100城", "王*城" },
	};

	(void)state;
	COMPARE(mask_name, pairs);
}

static void
phone_hides_at_least_six_digits(void **state)
{
	static const struct pair pairs[] = {
		{ "13800138000", "138******00" },
		{ "138 0013 8000", "138 **** **00" },
		{ "+86 138 0013 8000", "+86 138 **** **00" },
		{ "010-62345678", "010-******78" },
		{ "021-62345678", "021-******78" },
		{ "0755-26001234", "0755-******34" },
		{ "0598-8234567", "0598-******7" },
		{ "(010)62345678-8012", "(010)********-**12" },
		{ "62345678", "******78" },
		{ "6234567", "******7" },
		{ "400-810-8888", "400-***-***8" },
		{ "95588", "*****" },
		{ "１３８００１３８０００", "１３８******００" },
		{ "", "" },
	};

	(void)state;
	COMPARE(mask_phone, pairs);
}

static void
address_hides_unit_and_room(void **state)
{
	static const struct pair pairs[] = {
		{ "北京市海淀区中关村南大街甲12号寰太大厦B座1806室（请送至前台，周末勿送）", "北京市海淀区中关村南大街甲12号寰太大厦B座****" },
		{ "福建省厦门市思明区学院路15号3栋2单元501室", "福建省厦门市思明区学院路15号3栋****" },
		{ "某某小区5号楼二单元301", "某某小区5号楼****" },
		{ "天河路385号太古汇一座二十八层", "天河路385号太古汇一座****" },
		{ "高新区科技路10号A区3-2-1201", "高新区科技路10号A区****" },
		{ "幸福小区12-3-402", "幸福小区****" },
		{ "学院路15号学生宿舍6号", "学院路15号学生宿舍****" },
		{ "建国路88号现代SOHO1201室", "建国路88号现代SOHO****" },
		{ "人民路3号 1206、1207室", "人民路3号 ****" },
		{ "科研楼一层收发室", "科研楼****" },
		{ "12 Nanjing Road, Room 1806", "12 Nanjing Road, ****" },
		{ "和平里甲3门502", "和平里甲****" },
		{ "商业街A室", "商业街****" },
		{ "某路１２号Ｂ座１８０６室", "某路１２号Ｂ座****" },
	};

	(void)state;
	COMPARE(mask_address, pairs);
}

static void
address_without_a_room_stays_whole(void **state)
{
	static const struct pair pairs[] = {
		{ "南京市鼓楼区中山路12号", "南京市鼓楼区中山路12号" },
		{ "福建省南安市某某镇某某村第五组18号", "福建省南安市某某镇某某村第五组18号" },
		{ "江阴市周庄镇三房巷村", "江阴市周庄镇三房巷村" },
		{ "雷山县西江千户苗寨", "雷山县西江千户苗寨" },
		{ "青龙县104国道旁", "青龙县104国道旁" },
		{ "第九大街9号院", "第九大街9号院" },
		{ "", "" },
	};

	(void)state;
	COMPARE(mask_address, pairs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_hides_at_least_one_character),
		cmocka_unit_test(name_counts_characters_beyond_the_basic_plane_once),
		cmocka_unit_test(phone_hides_at_least_six_digits),
		cmocka_unit_test(address_hides_unit_and_room),
		cmocka_unit_test(address_without_a_room_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
