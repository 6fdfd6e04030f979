package sqlite

// statements are the prepared statements of the writer.
type statements struct {
	owner                                                                                                                                                                      *stmt
	findHook, addHook, putRule, findVersion, addVersion, putVersion, putLive, dropLive, tick                                                                                   *stmt
	findSeen, addSeen, putFilter, addEvent, addRun                                                                                                                             *stmt
	putStep, stepValues, stepSent, dropStep, addLarge, getLarge, dropLarge, copyLarge                                                                                          *stmt
	findRun, findDue, nextWake, endWait, addAwait, findAwaits, dropAwaits, eventsSince, eventAt, nextType, hadEvent                                                            *stmt
	addApproval, addDelivery, decide, addResolution                                                                                                                            *stmt
	getChanged, putChanged, findLane, findReplacer, findMerging, addMerged                                                                                                     *stmt
	addFile, copyFiles, eraseFiles, addEventFile, eraseEventFiles                                                                                                              *stmt
	putWritten, dropWritten, findWritten, oldWritten, addDeferred, findDeferred, dropDeferred, setEcho                                                                         *stmt
	eventType, findPaused                                                                                                                                                      *stmt
	endBegun, copySteps, largeSteps, setArgs, setResult                                                                                                                        *stmt
	oldRuns, eraseLarge, eraseSteps, eraseDeliveries, eraseApprovals, eraseResolutions, eraseMerged, eraseRun, oldEvents, liveAwaits, eraseEvent, oldIDs, eraseID, eraseFilter *stmt
	getState, putState, dropState, addProbe, dropProbes                                                                                                                        *stmt
	putLink, findLinks, dropLink                                                                                                                                               *stmt
	putSubscription, dropSubscription                                                                                                                                          *stmt
	findPoll, addPoll, putCursor, findSighting, addSighting, putSighting, oldSightings, dropSighting                                                                           *stmt
	findApproval, findStep, countBegun, putLease, putEnd, putPark, putPause, putPlace, eventOfRun                                                                              *stmt
}

func (s *statements) prepare(c *conn) error {
	return c.prepare(map[**stmt]string{
		&s.owner: `SELECT owner FROM store`,

		&s.findHook:    `SELECT id, lane, rule FROM hook WHERE script = ? AND name = ?`,
		&s.addHook:     `INSERT INTO hook (script, name) VALUES (?, ?) RETURNING id`,
		&s.putRule:     `UPDATE hook SET lane = ?2, rule = ?3 WHERE id = ?1`,
		&s.findVersion: `SELECT id FROM version WHERE hash = ?`,
		&s.addVersion:  `INSERT INTO version (hash) VALUES (?) RETURNING id`,
		&s.putVersion: `UPDATE version SET script = ?2, main = ?3, sources = ?4, params = ?5, awaits = ?6, created = ?7, format = ?8
			WHERE id = ?1 AND sources IS NULL`,
		&s.putLive:  `INSERT INTO live (script, version) VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version`,
		&s.dropLive: `DELETE FROM live WHERE script = ?`,
		&s.tick:     `UPDATE hook SET tick = ?2 WHERE id = ?1 AND (tick IS NULL OR tick < ?2)`,

		&s.findSeen:  `SELECT event FROM seen WHERE part = ? AND id = ?`,
		&s.addSeen:   `INSERT INTO seen (part, id, event) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.putFilter: putFilter,
		&s.addEvent: `INSERT INTO event (seq, id, type, connection, account, source, record, echo, time, received, data, request)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.addRun: `INSERT INTO run (seq, event, hook, matched, lane, rule, place, merging, overlap, state, created, wake, epoch, attempts, steps,
			executed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)`,
		&s.putLease: `UPDATE run SET state = ?, epoch = ?, bound = ?, resolved = ?, started = ?, attempts = ?, merging = ? WHERE seq = ?`,
		&s.putEnd: `UPDATE run SET state = ?, epoch = ?, bound = ?, resolved = ?, started = ?, attempts = ?, merging = ?, steps = ?, finished = ?,
			executed = ?, problem = ? WHERE seq = ?`,
		&s.putPark:  `UPDATE run SET parked = ?, wake = ?, park = ? WHERE seq = ?`,
		&s.putPause: `UPDATE run SET pause = ? WHERE seq = ?`,
		&s.putPlace: `UPDATE run SET event = ?, matched = ?, overlap = ?, lane = ?, place = ? WHERE seq = ?`,

		&s.findStep: `SELECT error FROM step WHERE run = ? AND number = ?`,
		&s.putStep: `INSERT INTO step (run, number, name, state, args, hash, result, error, sent, event, position, started, took,
			attempts, waited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (run, number) DO UPDATE SET name = excluded.name, state = excluded.state, args = excluded.args,
			hash = excluded.hash, result = excluded.result, error = excluded.error, sent = excluded.sent, event = excluded.event,
			position = excluded.position, started = excluded.started, took = excluded.took, attempts = excluded.attempts,
			waited = excluded.waited`,
		&s.stepValues: `SELECT args, result, sent FROM step WHERE run = ? AND number = ?`,
		&s.stepSent:   `SELECT sent FROM step WHERE run = ? AND number = ?`,
		&s.dropStep:   `DELETE FROM step WHERE run = ? AND number = ?`,

		&s.addLarge:  `INSERT INTO large (data) VALUES (?) RETURNING id`,
		&s.getLarge:  `SELECT data FROM large WHERE id = ?`,
		&s.dropLarge: `DELETE FROM large WHERE id = ?`,
		&s.copyLarge: `INSERT INTO large (data) SELECT data FROM large WHERE id = ? RETURNING id`,

		&s.findRun:  `SELECT ` + runColumns + ` FROM run r WHERE seq = ?`,
		&s.findDue:  `SELECT ` + runColumns + ` FROM run r WHERE wake <= ? ORDER BY wake LIMIT ?`,
		&s.nextWake: `SELECT min(wake) FROM run WHERE wake > ?`,
		&s.endWait: `UPDATE step SET state = ?3, result = ?4, error = ?5, event = ?6, took = max(0, ?7 - started) * 1000
			WHERE run = ?1 AND number = ?2 AND state = 0`,
		&s.endBegun: `UPDATE step SET state = ?3, result = ?4, error = ?5, sent = NULL WHERE run = ?1 AND number = ?2 AND state = 0`,

		&s.addAwait:   `INSERT INTO await (trigger, path, class, run) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		&s.findAwaits: `SELECT run FROM await WHERE trigger = ? AND path = ? AND class = ?`,
		&s.dropAwaits: `DELETE FROM await WHERE run = ?`,

		&s.eventsSince: `SELECT seq, id, type, connection, account, source, record, echo, time, data, request FROM event
			WHERE type = ? AND seq > ? AND seq < ? ORDER BY seq`,
		&s.eventAt:    `SELECT seq, id, type, connection, account, source, record, echo, time, data, request FROM event WHERE seq = ?`,
		&s.nextType:   `SELECT type FROM event WHERE type > ? ORDER BY type LIMIT 1`,
		&s.eventOfRun: `SELECT event FROM run WHERE seq = ?`,
		&s.hadEvent:   `SELECT 1 FROM step WHERE run = ?1 AND event = ?2 UNION ALL SELECT 1 FROM merged WHERE event = ?3 AND run = ?1`,

		&s.addApproval: `INSERT INTO approval (id, run, step, title, text, choices, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		&s.addDelivery: `INSERT OR REPLACE INTO delivery (approval, run, step, connection, message)
			SELECT id, ?2, ?3, ?4, ?5 FROM approval WHERE id = ?1`,
		&s.findApproval: `SELECT run, step, title, text, choices, created, expires, choice, by, note, decided FROM approval WHERE id = ?`,
		&s.decide:       `UPDATE approval SET choice = ?2, by = ?3, note = ?4, decided = ?5 WHERE id = ?1 AND choice IS NULL`,

		&s.getChanged: `SELECT value FROM changed WHERE hook = ? AND connection = ? AND record = ?`,
		&s.putChanged: `INSERT INTO changed (hook, connection, record, value) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`,
		&s.findLane: `SELECT ` + runColumns + ` FROM run r WHERE hook = ? AND lane = ? AND lane <> '' AND state < 8 AND state <> 6
			ORDER BY seq`,
		&s.findReplacer: `SELECT max(seq) FROM run WHERE hook = ? AND lane = ? AND lane <> '' AND state < 8 AND state IN (0, -1) AND overlap = 2`,
		&s.findMerging: `SELECT ` + runColumns + ` FROM run r WHERE hook = ? AND lane = ? AND lane <> '' AND state < 8
			AND merging = 1 ORDER BY seq`,
		&s.addResolution: `INSERT INTO resolution (run, step, resolution, decider, at) VALUES (?, ?, ?, ?, ?)`,
		&s.addMerged:     `INSERT INTO merged (event, run) VALUES (?, ?)`,

		&s.addEventFile:    `INSERT INTO event_file (event, hash) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		&s.eraseEventFiles: `DELETE FROM event_file WHERE event = ?`,
		&s.addFile:         `INSERT INTO file (run, hash) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		&s.copyFiles:       `INSERT INTO file (run, hash) SELECT ?1, hash FROM file WHERE run = ?2`,
		&s.eraseFiles:      `DELETE FROM file WHERE run = ?`,

		&s.putWritten: `INSERT INTO written (connection, noun, record, run, number, gone, at, rule, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET gone = excluded.gone, at = excluded.at, rule = excluded.rule, data = excluded.data`,
		&s.dropWritten: `DELETE FROM written WHERE run = ? AND number = ?`,
		// The row of calls that are done comes before those of open steps.
		&s.findWritten: `SELECT record, run, number, gone, rule, data, at FROM written WHERE connection = ?1 AND noun = ?2 AND record IN (?3, '')
			ORDER BY run, number`,
		&s.oldWritten:  `DELETE FROM written WHERE at < ?`,
		&s.addDeferred: `INSERT INTO doubt (event, run, number, hooks) VALUES (?, ?, ?, ?)`,
		&s.findDeferred: `SELECT e.seq, e.id, e.type, e.connection, e.account, e.source, e.record, e.echo, e.time, e.data, e.request, d.hooks
			FROM doubt d JOIN event e ON e.seq = d.event WHERE d.run = ? AND d.number = ? ORDER BY e.seq`,
		&s.dropDeferred: `DELETE FROM doubt WHERE run = ? AND number = ?`,
		&s.setEcho:      `UPDATE event SET echo = 1 WHERE seq = ?`,

		&s.eventType: `SELECT type FROM event WHERE seq = ?`,
		&s.findPaused: `SELECT ` + runColumns + ` FROM run r WHERE ` + everyHook + ` AND state = -1 AND pause = 1 AND (?1 = '' OR (SELECT type FROM event WHERE seq = r.event) = ?1)
			ORDER BY place LIMIT ?2`,

		&s.countBegun: `SELECT count(*) FROM step WHERE run = ? AND number <= ? AND state = 0`,
		&s.copySteps: `INSERT INTO step (run, number, name, state, args, hash, result, error, event, position, started, took, attempts, waited)
			SELECT ?1, number, name, state, args, hash, result, error, event, position, started, took, attempts, waited
			FROM step WHERE run = ?2 AND number <= ?3`,
		&s.largeSteps: `SELECT number, args, result FROM step WHERE run = ? AND (typeof(args) = 'integer' OR typeof(result) = 'integer')`,
		&s.setArgs:    `UPDATE step SET args = ?3 WHERE run = ?1 AND number = ?2`,
		&s.setResult:  `UPDATE step SET result = ?3 WHERE run = ?1 AND number = ?2`,

		&s.findPoll: `SELECT id FROM poll WHERE connection = ? AND name = ?`,
		&s.addPoll:  `INSERT INTO poll (connection, name) VALUES (?, ?) RETURNING id`,
		&s.putCursor: `INSERT INTO cursor (poll, name, item, value) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`,
		&s.findSighting: `SELECT id, item, version, missed, told FROM sighting WHERE poll = ? AND record = ?`,
		&s.addSighting:  `INSERT INTO sighting (poll, record, item, version, missed, gone, told) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		&s.putSighting: `UPDATE sighting SET item = ?3, version = ?4, missed = ?5, gone = ?6, told = ?7
			WHERE poll = ?1 AND record = ?2`,
		&s.oldSightings: `SELECT id FROM sighting WHERE gone < ? ORDER BY gone LIMIT ?`,
		&s.dropSighting: `DELETE FROM sighting WHERE id = ?`,

		&s.putSubscription: `INSERT INTO subscription (key, data) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET data = excluded.data`,
		&s.dropSubscription: `DELETE FROM subscription WHERE key = ?`,

		&s.oldRuns: `SELECT seq, finished FROM run WHERE seq > ? ORDER BY seq LIMIT ?`,
		&s.eraseLarge: `DELETE FROM large WHERE id IN (
			SELECT args FROM step WHERE run = ?1 AND typeof(args) = 'integer' UNION ALL
			SELECT result FROM step WHERE run = ?1 AND typeof(result) = 'integer' UNION ALL
			SELECT sent FROM step WHERE run = ?1 AND typeof(sent) = 'integer')`,
		&s.eraseSteps:       `DELETE FROM step WHERE run = ?`,
		&s.eraseDeliveries:  `DELETE FROM delivery WHERE approval IN (SELECT id FROM approval WHERE run = ?)`,
		&s.eraseApprovals:   `DELETE FROM approval WHERE run = ?`,
		&s.eraseResolutions: `DELETE FROM resolution WHERE run = ?`,
		&s.eraseMerged:      `DELETE FROM merged WHERE run = ?`,
		&s.eraseRun:         `DELETE FROM run WHERE seq = ?`,
		&s.oldEvents: `SELECT seq, type, EXISTS (SELECT 1 FROM run WHERE event = e.seq)
			OR EXISTS (SELECT 1 FROM merged WHERE event = e.seq) OR EXISTS (SELECT 1 FROM doubt WHERE event = e.seq) FROM event e WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?`,
		&s.liveAwaits: `SELECT v.awaits, min(r.seq) FROM run r JOIN version v ON v.id = r.bound
			WHERE ` + everyHook + ` AND r.state < 8 AND v.awaits IS NOT NULL GROUP BY v.id
			UNION ALL SELECT v.awaits, min(r.seq) FROM run r JOIN hook h ON h.id = r.hook JOIN version v ON v.script = h.script
			WHERE ` + everyHook + ` AND r.state < 8 AND r.bound IS NULL AND v.awaits IS NOT NULL GROUP BY v.id`,
		&s.eraseEvent: `DELETE FROM event WHERE seq = ?`,
		&s.oldIDs: `SELECT s.id, s.event, e.seq FROM seen s LEFT JOIN event e ON e.seq = s.event WHERE s.part = ? AND s.id > ?
			ORDER BY s.id LIMIT ?`,
		&s.eraseID:     `DELETE FROM seen WHERE part = ? AND id = ?`,
		&s.eraseFilter: `DELETE FROM sieve WHERE part = ?1 AND NOT EXISTS (SELECT 1 FROM seen WHERE part = ?1)`,

		// Rows with negative ids belong to no value.
		&s.addProbe:   `INSERT INTO large (id, data) SELECT min(coalesce(min(id), 0), 0) - 1, zeroblob(65536) FROM large`,
		&s.dropProbes: `DELETE FROM large WHERE id < 0 AND id <> last_insert_rowid()`,

		&s.getState:  `SELECT value FROM state WHERE script = ? AND key = ?`,
		&s.putState:  `INSERT INTO state (script, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
		&s.dropState: `DELETE FROM state WHERE script = ? AND key = ?`,

		&s.putLink: `INSERT INTO link (kind, account, id, kind2, account2, id2, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6,
			max(?7, 1 + coalesce((SELECT max(made) FROM link WHERE kind = ?1 AND account = ?2 AND id = ?3), 0)))
			ON CONFLICT DO UPDATE SET made = excluded.made`,
		&s.findLinks: `SELECT id2 FROM link WHERE kind = ? AND account = ? AND id = ? AND kind2 = ? AND account2 = ?
			ORDER BY made DESC`,
		&s.dropLink: `DELETE FROM link WHERE kind = ? AND account = ? AND id = ? AND kind2 = ? AND account2 = ? AND id2 = ?`,
	})
}
