# schemas/sql/NAME.sql, a list of statements, becomes build/gen/NAME_sql.h; the numbered migrations become one header.
MIGRATIONS := $(sort $(wildcard schemas/sql/[0-9]*.sql))
STATEMENTS := $(filter-out $(MIGRATIONS),$(wildcard schemas/sql/*.sql))

GENERATED += \
	$(GEN)/migrations.h \
	$(STATEMENTS:schemas/sql/%.sql=$(GEN)/%_sql.h)

$(GEN)/%_sql.h: schemas/sql/%.sql tools/dev/statements.awk
	@mkdir -p $(@D)
	@awk -v name=$* -f tools/dev/statements.awk $< > $@.new || { rm -f $@.new; exit 1; }
	@mv $@.new $@

$(GEN)/migrations.h: $(MIGRATIONS) tools/dev/migrations.awk
	@mkdir -p $(@D)
	@awk -f tools/dev/migrations.awk $(MIGRATIONS) > $@.new || { rm -f $@.new; exit 1; }
	@mv $@.new $@
