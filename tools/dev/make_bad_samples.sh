#!/bin/sh
# Prints data/samples/bad.ndjson: one line for each thing that can be wrong with a record, made from the first good sample.
# Every line's reference says what is wrong with it (BAD-…; HOLD-… is held, WARN-… goes in with a warning).
set -eu
cd "$(dirname "$0")/../.."
good() { jq -c --arg r "$1" "$2" data/samples/applications.json; }
# edit REFERENCE FILTER: the good record with that reference, changed by the jq filter
edit() { good "$1" ".[0] | .reference = \$r | $2"; }

printf 'nothing but words\n' | sed 's/^/{/'                                 # JSON_SYNTAX
edit BAD-CUT . | cut -c 1-80                                                # JSON_SYNTAX: cut off
edit BAD-TOO-LARGE '.remark = ("长" * 22000)'
edit BAD-TOO-DEEP '.person = [[[[[[[[1]]]]]]]]'
edit BAD-UTF8 '.remark = "GBK"' | sed "s/GBK/$(printf '\261\270\327\242')/"
edit BAD-DUPLICATE-KEY . | sed 's/"phone":/"name":"重复","phone":/'
edit BAD-NUL '.remark = "NUL"' | sed 's/"NUL"/"a\\u0000b"/'
edit BAD-BIG-NUMBER '.quantity = "N"' | sed 's/"N"/99999999999999999999/'
edit BAD-NOT-OBJECT '[.reference]' | sed 's/^/{"a":/; s/$/}/'               # and a list where fields should be
printf '"just a text"\n'                                                    # NOT_OBJECT
edit BAD-UNKNOWN-KEY '.colour = "red" | .person.nickname = "小" | .["申请人"] = "x"'
edit BAD-MISSING 'del(.medium, .person.phone, .delivery.address)'
edit BAD-TYPES '.quantity = "1" | .kind = 1 | .urgent = "yes" | .person.name = null | .delivery.phone = 13800138000 | .approved_at = 0'
edit BAD-FRACTION '.quantity = 1.5'
edit BAD-OBJECTS '.organisation = "公司" | .delivery = [] | .credentials = {}'
edit BAD-CREDENTIAL-TYPE '.credentials = ["unit"]'
edit BAD-CHOICES '.kind = "NEW" | .medium = "disk" | .key_type = "sm2" | .delivery.method = "drone"'
edit BAD-METHOD-MISSING 'del(.delivery.method)'
edit BAD-RANGE '.quantity = 21'
edit BAD-ITEMS '.credentials = []'
edit BAD-QUANTITY '.quantity = 2 | .credentials = [{"role": "unit"}]'
edit BAD-TOO-LONG '.organisation.name = ("长" * 65) | .person.name = ("名" * 65) | .delivery.address = ("址" * 101)'
edit BAD-TOO-SHORT '.person.phone = "110" | .person.email = "a@"'
edit BAD-TOO-MANY-BYTES '.organisation.name = ("𠮷" * 60)'
edit BAD-BLANK '.person.name = "" | .delivery.city = "　"'
edit BAD-EDGE '.person.name = " 张三" | .delivery.city = "北京市　"'
edit BAD-CONTROL '.remark = "一行\n两行" | .person.name = "张​三"'
edit BAD-LOST '.person.name = "张�"'
edit BAD-PRIVATE-USE '.person.name = "张\ue863"'
edit BAD-REFERENCE '.reference = "申请-1"'
edit BAD-USCC-LENGTH '.organisation.uscc = "91110108"'
edit BAD-USCC-CHARACTER '.organisation.uscc |= sub("MA"; "MI")'
edit BAD-USCC-DIVISION '.organisation.uscc |= sub("^91110108"; "91990108")'
edit BAD-USCC-DIGITS '.organisation.uscc = "91350100M000100Y53" | .organisation.division = "350100"'
edit HOLD-USCC-CHECK '.organisation.uscc = "91350211M0000XUF46" | .organisation.division = "350211"'
edit HOLD-USCC-ORGANISATION '.organisation.uscc = "91350100M000100Y56" | .organisation.division = "350100"'
edit BAD-DIVISION-FORM '.organisation.division = "1101"'
edit BAD-DIVISION-PROVINCE '.organisation.division = "990108"'
edit WARN-DIVISION-DIFFERS '.organisation.division = "110105"'
edit BAD-ID-CARD-LENGTH '.person.id_card = "110105491231002"'
edit BAD-ID-CARD-CHARACTER '.person.id_card = "11010519491231002x"'
edit BAD-ID-CARD-DATE '.person.id_card = "11010519490230002X"'
edit BAD-ID-CARD-CHECK '.person.id_card = "110105194912310021"'
edit BAD-PHONE '.person.phone = "12345678901" | .delivery.phone = "+8613800138000"'
edit BAD-EMAIL '.person.email = "张三@example"'
edit BAD-TIME-FORM '.approved_at = "2026-01-05 09:00:00"'
edit BAD-TIME-DAY '.approved_at = "2026-02-29T09:00:00+08:00"'
edit BAD-TIME-RANGE '.approved_at = "1999-12-31T09:00:00+08:00"'
edit WARN-TIME-FUTURE '.approved_at = "2099-01-05T09:00:00+08:00"'
edit BAD-HOLDER '.quantity = 2 | .credentials = [{"role": "unit", "holder": "张三"}, {"role": "handler"}]'
edit BAD-DELIVERY-MISSING 'del(.delivery)'
edit BAD-DELIVERY-MIXED '.delivery = {"method": "on_site", "collection_point": "3号窗口", "address": "某路1号"}'
edit BAD-PREVIOUS-EXTRA '.previous_reference = "SQ202501-0001"'
edit BAD-PREVIOUS-MISSING '.kind = "renew"'
edit BAD-KIND '.kind = "replace" | .previous_reference = "SQ202501-0001"'
edit BAD-MEDIUM '.medium = "mobile" | del(.delivery)'
edit BAD-MOBILE '.medium = "mobile" | .person.phone = "010-62345678"'
edit BAD-MORE '. + ([range(25)] | map({("field" + tostring): 1}) | add)'
good GOOD-LAST '.[0] | .reference = $r'
