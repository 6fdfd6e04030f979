package sqlite

// statements are those of the writer.
type statements struct {
	owner *stmt

	findHook, addHook       *stmt
	findVersion, addVersion *stmt
	putVersion, tick        *stmt

	findSeen, addSeen, addEvent, addRun *stmt

	begin, end, addStep, replaceStep, lastStep *stmt

	getState, putState, dropState *stmt

	putLink, getLink, findLinks, dropLink *stmt
}

func (s *statements) prepare(c *conn) error {
	return c.prepare(map[**stmt]string{
		&s.owner: `SELECT owner FROM store`,

		&s.findHook:    `SELECT id FROM hook WHERE script = ? AND name = ?`,
		&s.addHook:     `INSERT INTO hook (script, name) VALUES (?, ?) RETURNING id`,
		&s.findVersion: `SELECT id FROM version WHERE hash = ?`,
		&s.addVersion:  `INSERT INTO version (hash) VALUES (?) RETURNING id`,
		&s.putVersion: `UPDATE version SET script = ?2, main = ?3, sources = ?4, params = ?5, created = ?6
			WHERE id = ?1 AND sources IS NULL`,
		&s.tick: `UPDATE hook SET tick = ?2 WHERE id = ?1 AND (tick IS NULL OR tick < ?2)`,

		&s.findSeen: `SELECT event FROM seen WHERE id = ?`,
		&s.addSeen:  `INSERT INTO seen (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		&s.addEvent: `INSERT INTO event (seq, id, type, connection, account, source, record, echo, time, received, data)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.addRun: `INSERT INTO run (seq, event, hook, matched, lane, state, epoch, attempts, steps, created)
			VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, ?)`,

		&s.begin: `UPDATE run SET state = 1, epoch = ?2, bound = ?3, started = ?4, attempts = 1 WHERE seq = ?1`,
		&s.end: `UPDATE run SET state = ?2, epoch = ?3, bound = ?4, started = ?5, attempts = 1, steps = ?6,
			finished = ?7, problem = ?8 WHERE seq = ?1`,
		&s.addStep: `INSERT INTO step (run, number, name, state, args, result, error, position, started, took, attempts)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&s.replaceStep: `UPDATE step SET name = ?3, state = ?4, args = ?5, result = ?6, error = ?7, position = ?8,
			started = ?9, took = ?10, attempts = ?11 WHERE run = ?1 AND number = ?2 AND state = 0`,

		&s.lastStep: `SELECT name, position FROM step WHERE run = ? AND number = ?`,

		&s.getState:  `SELECT value FROM state WHERE script = ? AND key = ?`,
		&s.putState:  `INSERT INTO state (script, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
		&s.dropState: `DELETE FROM state WHERE script = ? AND key = ?`,

		&s.putLink: `INSERT INTO link (kind, account, id, kind2, account2, id2, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6,
			max(?7, 1 + coalesce((SELECT max(made) FROM link WHERE kind = ?1 AND account = ?2 AND id = ?3), 0)))
			ON CONFLICT DO UPDATE SET made = excluded.made`,
		&s.getLink: `SELECT id2 FROM link WHERE kind = ? AND account = ? AND id = ? AND kind2 = ? AND account2 = ?
			ORDER BY made DESC LIMIT 1`,
		&s.findLinks: `SELECT id2 FROM link WHERE kind = ? AND account = ? AND id = ? AND kind2 = ? AND account2 = ?`,
		&s.dropLink:  `DELETE FROM link WHERE kind = ? AND account = ? AND id = ? AND kind2 = ? AND account2 = ? AND id2 = ?`,
	})
}
