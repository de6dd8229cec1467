# /etc/varnish/default.vcl. Varnish has no TLS: put hitch or another TLS proxy before it.
vcl 4.1;

import directors;
import std;

probe healthz {
	.url = "/healthz";
	.interval = 1s;
	.timeout = 1s;
	.window = 2;
	.threshold = 1;
	.initial = 1;
}

backend ingest_1 {
	.host = "10.0.0.11:8080";
	.connect_timeout = 300ms;
	.first_byte_timeout = 3200ms;
	.probe = healthz;
}

backend ingest_2 {
	.host = "10.0.0.12:8080";
	.connect_timeout = 300ms;
	.first_byte_timeout = 3200ms;
	.probe = healthz;
}

sub vcl_init {
	new ingest = directors.round_robin();
	ingest.add_backend(ingest_1);
	ingest.add_backend(ingest_2);
}

sub vcl_recv {
	if (!std.cache_req_body(8MB)) {
		return (synth(503));
	}
	return (pass);
}

sub vcl_backend_fetch {
	set bereq.backend = ingest.backend();
	if (bereq.retries > 0) {
		set bereq.first_byte_timeout = 300ms;
	}
}

sub vcl_backend_error {
	if (bereq.retries < 2) {
		return (retry);
	}
	set beresp.status = 503;
}
