-- A small record for the tests of mint-api: one application issued, one in work with a parked credential, one held, one late.
-- 2030-01-01 00:00 UTC is 1893456000000000.
INSERT INTO application (id, reference, kind, medium, state, quantity, urgent, delivery, approved_at, deadline_at, imported_at, issued_at, changed_at, record_sha256, held_why, held_from) VALUES
  (1, 'A-1', 'new', 'token', 'issued', 1, 0, 'post', 1767578400000000, 1767664800000000, 1767578400000001, 1767600000000000, 1767600000000000, x'01', NULL, NULL),
  (2, 'A-2', 'new', 'token', 'minting', 3, 1, 'post', 1893456000000000, 1893542400000000, 1893456000000001, NULL, 1893456000000001, x'02', NULL, NULL),
  (3, 'A-3', 'new', 'token', 'held', 1, 0, 'on_site', 1893456000000000, 1893542400000000, 1893456000000002, NULL, 1893456000000002, x'03',
   '[{"rule":"USCC_CHECK","what":{"en":"check digit","zh":"校验码"},"do":{"en":"override","zh":"复核"}}]', 'approved'),
  (4, 'B-4', 'new', 'token', 'approved', 2, 0, 'post', 1767578400000000, 1767664800000000, 1767578400000002, NULL, 1767578400000002, x'04', NULL, NULL);
INSERT INTO person (application_id, record) VALUES
  (1, '{"reference":"A-1","person":{"name":"张三","phone":"13800000001"}}'),
  (2, '{"reference":"A-2","person":{"name":"李四","phone":"13800000002"}}');
INSERT INTO token (id, model, atr, serial, marker, state, seen_at) VALUES
  (1, 'myeid', x'3bf5', 'AA01', 'MB-00000001', 'shipped', 1767590000000000),
  (2, 'myeid', x'3bf5', 'AA02', 'MB-00000002', 'bound', 1893456000100000);
INSERT INTO credential (id, application_id, ordinal, name, key_type, profile, state, attempt, parked_from, parked_error, parked_detail, urgent, deadline_at, changed_at) VALUES
  (1, 1, 1, 'A-1-01', 'p256', 'institution', 'packed', 1, NULL, NULL, NULL, 0, 1767664800000000, 1767600000000000),
  (2, 2, 1, 'A-2-01', 'rsa2048', 'institution', 'keyed', 1, NULL, NULL, NULL, 1, 1893542400000000, 1893456000200000),
  (3, 2, 2, 'A-2-02', 'rsa2048', 'institution', 'parked', 2, 'burned', 'PROOF_KEY', 'CKA_ID 01', 1, 1893542400000000, 1893456000300000),
  (4, 2, 3, 'A-2-03', 'rsa2048', 'institution', 'waiting', 0, NULL, NULL, NULL, 1, 1893542400000000, 1893456000000001),
  (5, 3, 1, 'A-3-01', 'p256', 'institution', 'waiting', 0, NULL, NULL, NULL, 0, 1893542400000000, 1893456000000002),
  (6, 4, 1, 'B-4-01', 'p256', 'institution', 'waiting', 0, NULL, NULL, NULL, 0, 1767664800000000, 1767578400000002),
  (7, 4, 2, 'B-4-02', 'p256', 'institution', 'waiting', 0, NULL, NULL, NULL, 0, 1767664800000000, 1767578400000002);
INSERT INTO token_use (id, credential_id, token_id, bay, begun_at, ended_at, outcome) VALUES
  (1, 1, 1, 1, 1767590000000000, 1767600000000000, 'packed'),
  (2, 2, 2, 2, 1893456000100000, NULL, NULL);
UPDATE credential SET use_id = 1 WHERE id = 1;
UPDATE credential SET use_id = 2 WHERE id = 2;
INSERT INTO key (id, token_id, use_id, key_type, key_id, spki, spki_sha256, duration_us, made_at) VALUES
  (1, 1, 1, 'p256', x'45', x'30', x'aa', 1500000, 1767590003000000);
INSERT INTO certificate (id, credential_id, use_id, key_id, serial, request, state, certificate, asked_at, signed_at) VALUES
  (1, 1, 1, 1, x'0102', x'30', 'live', NULL, 1767590003500000, 1767590004000000);
INSERT INTO proof (use_id, prove_pid, prove_release, mint_pid, mint_release, certificate_sha256, read_at, challenge, signature, signed_at) VALUES
  (1, 4711, '0.1.0', 4710, '0.1.0', x'bb', 1767590006000000, x'0c', x'0d', 1767590006100000);
INSERT INTO pin_envelope (id, token_id, use_id, codes, cms, made_at, set_at) VALUES
  (1, 1, 1, 3, x'3001', 1767590007000000, 1767590010000000),
  (2, 1, 1, 2, x'300202', 1767590008000000, 1767590010000000),
  (3, 2, 2, 3, x'30', 1893456000200000, NULL);
INSERT INTO journal (credential_id, use_id, token_id, step, bench, bay, lease, pid, release, actor, begun_at, ended_at, outcome) VALUES
  (1, 1, 1, 'initialise', 'test', 1, 1, 4710, '0.1.0', 'queue', 1767590000000000, 1767590001000000, 'done'),
  (1, 1, 1, 'key', 'test', 1, 1, 4710, '0.1.0', 'queue', 1767590001000000, 1767590003000000, 'done'),
  (1, 1, 1, 'seal', 'test', 1, 2, 4711, '0.1.0', 'queue', 1767590006000000, 1767590010000000, 'done'),
  (2, 2, 2, 'key', 'test', 2, 3, 4712, '0.1.0', 'queue', 1893456000200000, NULL, NULL);
INSERT INTO parcel (id, application_id, state, packed_at, packed_by) VALUES (1, 1, 'packed', 1767600000000000, 'uid:0(root)');
INSERT INTO parcel_item (parcel_id, credential_id, token_id, packed_at) VALUES (1, 1, 1, 1767600000000000);
INSERT INTO print_job (id, parcel_id, state, sha256, place, made_at, changed_at, printed_at) VALUES (1, 1, 'printed', x'ee', 'labels/A-1.png', 1767590005000000, 1767590005500000, 1767590005500000);
INSERT INTO bay (bay, bench, reader, state, token_id, credential_id, lease, pid, step, step_at, error, changed_at) VALUES
  (1, 'test', 'Reader 1', 'empty', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1893456000000000),
  (2, 'test', 'Reader 2', 'working', 2, 2, 3, 4712, 'key', 1767590000000000, NULL, 1893456000200000),
  (3, 'test', 'Reader 3', 'trouble', NULL, NULL, NULL, NULL, NULL, NULL, 'TOKEN_FOREIGN', 1893456000300000);
INSERT INTO event (at, actor, kind, application_id, credential_id, token_id, bay, error, detail) VALUES
  (1767578400000001, 'uid:0(root)', 'application.imported', 1, NULL, NULL, NULL, NULL, NULL),
  (1767590010000000, 'queue', 'credential.sealed', 1, 1, 1, 1, NULL, '{"step":"seal"}'),
  (1767600000000000, 'queue', 'application.issued', 1, NULL, NULL, NULL, NULL, NULL),
  (1767600000000001, 'queue', 'credential.parked', 2, 3, NULL, 2, 'PROOF_KEY', NULL);
