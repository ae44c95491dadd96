# Tools for people who work on the project: the published schema, the sample data, a dry check of application files.
PROGRAMS += check-applications
check-applications_SRC := \
	tools/dev/check_applications.c
check-applications_USES := base schemas

PROGRAMS += make-samples
make-samples_SRC := \
	tools/dev/make_samples.c
make-samples_USES := base schemas

PROGRAMS += print-schema
print-schema_SRC := \
	tools/dev/print_schema.c
print-schema_USES := base schemas

.PHONY: published
published: $(B)/check-applications $(B)/make-samples $(B)/print-schema ## write anew the committed files that a program makes: JSON Schema, sample applications, the answers expected for them
	$(B)/print-schema > $(B)/published.new && mv $(B)/published.new schemas/application.schema.json
	$(B)/make-samples > $(B)/published.new && mv $(B)/published.new data/samples/applications.json
	tools/dev/make_bad_samples.sh > $(B)/published.new && mv $(B)/published.new data/samples/bad.ndjson
	$(B)/check-applications data/samples/bad.ndjson > $(B)/published.new 2>/dev/null; \
	  test $$? = 65 && mv $(B)/published.new tests/golden/bad.ndjson

# The lists of schemas/ as Markdown, for `make docs`.
PROGRAMS += print-tables
print-tables_SRC := \
	tools/dev/print_tables.c
