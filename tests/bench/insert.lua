-- Every request inserts one experiment; the name lets the rows be removed again.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"name":"Inserted under load","description":"Chromosome segregation under drug",' ..
	'"specimen":"HeLa Kyoto, H2B-GFP","instrument":"Nikon Ti2-E spinning disk","objective_magnification":60,' ..
	'"numerical_aperture":1.4,"pixel_size_um":0.108,"exposure_ms":80,"fps":0.2,"frame_count":1440,' ..
	'"tags":["mitosis","time-lapse"],"started_at":"2026-03-14T08:30:00Z","finished_at":"2026-03-14T10:30:00Z"}'
