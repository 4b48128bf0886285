BEGIN TRANSACTION;
CREATE TABLE balance_sessions (
	athlete_id TEXT NOT NULL, 
	session_id TEXT NOT NULL, 
	date DATE NOT NULL, 
	drill TEXT NOT NULL, 
	category TEXT NOT NULL, 
	minutes DOUBLE NOT NULL, 
	sets BIGINT, 
	reps BIGINT, 
	hold_s DOUBLE, 
	side TEXT, 
	surface TEXT, 
	eyes TEXT, 
	clean_sets BIGINT, 
	wobbles BIGINT, 
	rpe DOUBLE, 
	note TEXT, 
	PRIMARY KEY (athlete_id, session_id)
)
 WITHOUT ROWID

;
INSERT INTO "balance_sessions" VALUES('ada','s1','2026-03-02','wobble board','static balance',10.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'steady');
INSERT INTO "balance_sessions" VALUES('ada','s2','2026-03-04','hopping about','static balance',5.5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "balance_sessions" VALUES('bob','s1','2026-03-02','wobble board','static balance',10.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'steady');
INSERT INTO "balance_sessions" VALUES('bob','s2','2026-03-04','hopping about','static balance',5.5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE cadence_rules (
	athlete_id TEXT NOT NULL, 
	device TEXT NOT NULL, 
	source_format TEXT NOT NULL, 
	cadence_unit TEXT NOT NULL, 
	PRIMARY KEY (athlete_id, device, source_format)
)
 WITHOUT ROWID

;
INSERT INTO "cadence_rules" VALUES('ada','maker model','fit','strides_per_minute');
INSERT INTO "cadence_rules" VALUES('bob','maker model','fit','strides_per_minute');
CREATE TABLE dose (
	athlete_id TEXT NOT NULL, 
	date DATE NOT NULL, 
	minutes DOUBLE NOT NULL, 
	dose DOUBLE NOT NULL, 
	PRIMARY KEY (athlete_id, date)
)
 WITHOUT ROWID

;
INSERT INTO "dose" VALUES('ada','2026-03-02',10.0,10.0);
INSERT INTO "dose" VALUES('bob','2026-03-02',10.0,10.0);
CREATE TABLE drill_names (
	athlete_id TEXT NOT NULL, 
	logged TEXT NOT NULL, 
	drill TEXT NOT NULL, 
	PRIMARY KEY (athlete_id, logged)
)
 WITHOUT ROWID

;
INSERT INTO "drill_names" VALUES('ada','hopping about','single-leg hop');
INSERT INTO "drill_names" VALUES('bob','hopping about','single-leg hop');
CREATE TABLE effects (
	athlete_id TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	estimate DOUBLE, 
	low DOUBLE, 
	high DOUBLE, 
	p DOUBLE, 
	permutation_p DOUBLE, 
	n_runs BIGINT NOT NULL, 
	weeks DOUBLE NOT NULL, 
	dose_contrast DOUBLE, 
	detectable DOUBLE, 
	sceptical DOUBLE, 
	se DOUBLE, 
	df BIGINT, 
	naive_r DOUBLE, 
	naive_p DOUBLE, 
	plan_p DOUBLE, 
	verdict TEXT NOT NULL, 
	sentence TEXT NOT NULL, 
	missing TEXT NOT NULL, 
	cautions TEXT NOT NULL, 
	method TEXT NOT NULL, 
	PRIMARY KEY (athlete_id, outcome)
)
 WITHOUT ROWID

;
INSERT INTO "effects" VALUES('ada','technical',NULL,NULL,NULL,NULL,NULL,1,1.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'not enough data','One run is not enough.','more runs','','none');
INSERT INTO "effects" VALUES('bob','technical',NULL,NULL,NULL,NULL,NULL,1,1.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'not enough data','One run is not enough.','more runs','','none');
CREATE TABLE files (
	athlete_id TEXT NOT NULL, 
	content_sha256 TEXT NOT NULL, 
	source_name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	advice TEXT NOT NULL, 
	cadence_unit_given TEXT NOT NULL, 
	analysis_version BIGINT NOT NULL, 
	PRIMARY KEY (athlete_id, content_sha256)
)
 WITHOUT ROWID

;
INSERT INTO "files" VALUES('ada','4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a','file 4.gpx',10,'duplicate','it is duplicate','look at it','',0);
INSERT INTO "files" VALUES('ada','4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce','file 3.gpx',10,'rejected','it is rejected','look at it','',1);
INSERT INTO "files" VALUES('ada','6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','run 1.fit',1000,'run','','','',0);
INSERT INTO "files" VALUES('ada','d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35','run 2.fit',1000,'run','','','',0);
INSERT INTO "files" VALUES('ada','ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d','file 5.gpx',10,'skipped','it is skipped','look at it','',1);
INSERT INTO "files" VALUES('bob','4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a','file 4.gpx',10,'duplicate','it is duplicate','look at it','',0);
INSERT INTO "files" VALUES('bob','4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce','file 3.gpx',10,'rejected','it is rejected','look at it','',1);
INSERT INTO "files" VALUES('bob','6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','run 1.fit',1000,'run','','','',0);
INSERT INTO "files" VALUES('bob','d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35','run 2.fit',1000,'run','','','',0);
INSERT INTO "files" VALUES('bob','ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d','file 5.gpx',10,'skipped','it is skipped','look at it','',1);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
INSERT INTO "meta" VALUES('shape','315ebfec75a719b0');
CREATE TABLE packs (
	pack_id TEXT NOT NULL, 
	athlete_id TEXT NOT NULL, 
	analysis_version BIGINT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	PRIMARY KEY (pack_id)
);
INSERT INTO "packs" VALUES('f641be71318e42bfab4826f6cd8ea19c','ada',1,10902);
INSERT INTO "packs" VALUES('b826fb63a8ab42b3b503154c730827db','bob',1,10902);
CREATE TABLE placements (
	athlete_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	pack_id TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	cadence_moments JSON NOT NULL, 
	PRIMARY KEY (athlete_id, run_id), 
	FOREIGN KEY(athlete_id, run_id) REFERENCES runs (athlete_id, run_id) ON DELETE CASCADE, 
	FOREIGN KEY(pack_id) REFERENCES packs (pack_id)
);
INSERT INTO "placements" VALUES('ada','d4735e3a265e16ee-1','f641be71318e42bfab4826f6cd8ea19c',1,'[2.0, 1.5]');
INSERT INTO "placements" VALUES('ada','6b86b273ff34fce1-1','f641be71318e42bfab4826f6cd8ea19c',0,'[1.0, 1.5]');
INSERT INTO "placements" VALUES('bob','d4735e3a265e16ee-1','b826fb63a8ab42b3b503154c730827db',1,'[2.0, 1.5]');
INSERT INTO "placements" VALUES('bob','6b86b273ff34fce1-1','b826fb63a8ab42b3b503154c730827db',0,'[1.0, 1.5]');
CREATE TABLE plans (
	athlete_id TEXT NOT NULL, 
	start DATE NOT NULL, 
	block_weeks BIGINT NOT NULL, 
	schedule TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	PRIMARY KEY (athlete_id, start)
)
 WITHOUT ROWID

;
INSERT INTO "plans" VALUES('ada','2026-04-06',4,'1010010110',7,'2026-04-01 00:00:00.000000');
INSERT INTO "plans" VALUES('bob','2026-04-06',4,'1010010110',7,'2026-04-01 00:00:00.000000');
CREATE TABLE proposed_sessions (
	athlete_id TEXT NOT NULL, 
	session_id TEXT NOT NULL, 
	date DATE NOT NULL, 
	drill TEXT NOT NULL, 
	category TEXT NOT NULL, 
	minutes DOUBLE NOT NULL, 
	sets BIGINT NOT NULL, 
	reps BIGINT, 
	hold_s DOUBLE, 
	source_name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	PRIMARY KEY (athlete_id, session_id)
)
 WITHOUT ROWID

;
INSERT INTO "proposed_sessions" VALUES('ada','watch-1','2026-03-05','single-leg stance','static balance',5.0,3,NULL,30.0,'strength.fit','proposed');
INSERT INTO "proposed_sessions" VALUES('bob','watch-1','2026-03-05','single-leg stance','static balance',5.0,3,NULL,30.0,'strength.fit','proposed');
CREATE TABLE runs (
	athlete_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	start_time DATETIME NOT NULL, 
	local_date DATE NOT NULL, 
	sport TEXT NOT NULL, 
	sub_sport TEXT NOT NULL, 
	source_format TEXT NOT NULL, 
	device TEXT NOT NULL, 
	device_epoch TEXT NOT NULL, 
	cadence_unit TEXT NOT NULL, 
	cadence_unit_reason TEXT NOT NULL, 
	sampling TEXT NOT NULL, 
	altitude_class TEXT NOT NULL, 
	distance_m DOUBLE, 
	moving_s DOUBLE NOT NULL, 
	ascent_m DOUBLE, 
	technical_s DOUBLE, 
	technical_share DOUBLE, 
	walking_share DOUBLE, 
	cadence_identical_share DOUBLE, 
	cadence_step_spm DOUBLE, 
	quality DOUBLE NOT NULL, 
	counts BOOLEAN NOT NULL, 
	counts_reason TEXT NOT NULL, 
	warnings TEXT NOT NULL, 
	content_sha256 TEXT NOT NULL, 
	source_name TEXT NOT NULL, 
	analysis_version BIGINT NOT NULL, 
	PRIMARY KEY (athlete_id, run_id), 
	FOREIGN KEY(athlete_id, content_sha256) REFERENCES files (athlete_id, content_sha256) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "runs" VALUES('ada','6b86b273ff34fce1-1','2026-03-02 08:00:00.000000','2026-03-02','running','trail','fit','maker model','maker model 1.0 1 Hz','strides_per_minute','FIT stores strides','1 Hz','clean',10001.25,3600.0,NULL,600.0,0.25,0.0,0.5,2.0,0.98,1,'','','6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','run 1.fit',1);
INSERT INTO "runs" VALUES('ada','d4735e3a265e16ee-1','2026-03-03 08:00:00.000000','2026-03-03','running','trail','fit','maker model','maker model 1.0 1 Hz','strides_per_minute','FIT stores strides','1 Hz','clean',10002.25,3600.0,NULL,600.0,0.25,0.0,0.5,2.0,0.98,1,'','','d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35','run 2.fit',1);
INSERT INTO "runs" VALUES('bob','6b86b273ff34fce1-1','2026-03-02 08:00:00.000000','2026-03-02','running','trail','fit','maker model','maker model 1.0 1 Hz','strides_per_minute','FIT stores strides','1 Hz','clean',10001.25,3600.0,NULL,600.0,0.25,0.0,0.5,2.0,0.98,1,'','','6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','run 1.fit',1);
INSERT INTO "runs" VALUES('bob','d4735e3a265e16ee-1','2026-03-03 08:00:00.000000','2026-03-03','running','trail','fit','maker model','maker model 1.0 1 Hz','strides_per_minute','FIT stores strides','1 Hz','clean',10002.25,3600.0,NULL,600.0,0.25,0.0,0.5,2.0,0.98,1,'','','d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35','run 2.fit',1);
CREATE TABLE seen (
	athlete_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	content_sha256 TEXT NOT NULL, 
	PRIMARY KEY (athlete_id, path)
);
INSERT INTO "seen" VALUES('ada','/invented/ada/1.fit',1000,7,'6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b');
INSERT INTO "seen" VALUES('ada','/invented/ada/2.fit',1000,7,'d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35');
INSERT INTO "seen" VALUES('bob','/invented/bob/1.fit',1000,7,'6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b');
INSERT INTO "seen" VALUES('bob','/invented/bob/2.fit',1000,7,'d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35');
CREATE TABLE segments (
	athlete_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	segment_id BIGINT NOT NULL, 
	terrain TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	start_s DOUBLE NOT NULL, 
	end_s DOUBLE NOT NULL, 
	start_m DOUBLE NOT NULL, 
	end_m DOUBLE NOT NULL, 
	grade_mean DOUBLE, 
	technicality_mean DOUBLE, 
	passes BIGINT NOT NULL, 
	reasons TEXT NOT NULL, 
	edited BOOLEAN NOT NULL, 
	PRIMARY KEY (athlete_id, run_id, segment_id), 
	FOREIGN KEY(athlete_id, run_id) REFERENCES runs (athlete_id, run_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "segments" VALUES('ada','6b86b273ff34fce1-1',0,'technical','level',0.0,20.0,0.0,60.0,0.01,0.75,3,'uneven, winding',0);
INSERT INTO "segments" VALUES('ada','6b86b273ff34fce1-1',1,'smooth','level',20.0,60.0,60.0,180.0,0.01,0.25,3,'uneven, winding',0);
INSERT INTO "segments" VALUES('bob','6b86b273ff34fce1-1',0,'technical','level',0.0,20.0,0.0,60.0,0.01,0.75,3,'uneven, winding',0);
INSERT INTO "segments" VALUES('bob','6b86b273ff34fce1-1',1,'smooth','level',20.0,60.0,60.0,180.0,0.01,0.25,3,'uneven, winding',0);
CREATE TABLE settings (
	athlete_id TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value DOUBLE NOT NULL, 
	PRIMARY KEY (athlete_id, "key")
)
 WITHOUT ROWID

;
INSERT INTO "settings" VALUES('ada','grow_weeks',4.0);
INSERT INTO "settings" VALUES('bob','grow_weeks',4.0);
CREATE TABLE stability (
	athlete_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	terrain TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	metric TEXT NOT NULL, 
	value DOUBLE, 
	low DOUBLE, 
	high DOUBLE, 
	n_windows BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	PRIMARY KEY (athlete_id, run_id, terrain, direction, metric), 
	FOREIGN KEY(athlete_id, run_id) REFERENCES runs (athlete_id, run_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "stability" VALUES('ada','6b86b273ff34fce1-1','technical','level','cadence_cv',0.012,0.01,0.014,12,240.0);
INSERT INTO "stability" VALUES('bob','6b86b273ff34fce1-1','technical','level','cadence_cv',0.012,0.01,0.014,12,240.0);
CREATE INDEX ix_packs_athlete_id ON packs (athlete_id);
CREATE INDEX runs_by_start ON runs (athlete_id, start_time);
CREATE INDEX runs_by_content ON runs (athlete_id, content_sha256);
CREATE INDEX ix_placements_pack_id ON placements (pack_id);
COMMIT;
