package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A balancer is a load balancer of docs/loadbalancers.md.
type balancer struct {
	name, program string
	// file is the name of the configuration, which replace changes: the test has other
	// addresses and folders.
	file    string
	replace func(s site) []string
	// wrapper returns the configuration that includes the file, for a file that is a part
	// of a configuration.
	wrapper func(s site) string
	// args are the arguments for a configuration at a path.
	args func(s site, path string) []string
	// plain reports that the load balancer has no TLS.
	plain bool
}

// host is the host of the documented configurations.
const host = "webhooks.example.com"

var balancers = []balancer{
	{
		name: "nginx", program: "nginx", file: "nginx.conf",
		replace: func(s site) []string {
			return []string{"listen 443 ", "listen " + s.addr + " ", "/etc/ssl/", s.dir + "/"}
		},
		wrapper: nginxConf,
		args:    func(s site, path string) []string { return []string{"-p", s.dir, "-e", "stderr", "-c", path} },
	},
	{
		name: "haproxy", program: "haproxy", file: "haproxy.cfg",
		replace: func(s site) []string {
			return []string{"bind :443 ", "bind " + s.addr + " ", "/etc/haproxy/", s.dir + "/"}
		},
		args: func(_ site, path string) []string { return []string{"-db", "-f", path} },
	},
	{
		name: "caddy", program: "caddy", file: "Caddyfile",
		replace: olderCaddy,
		wrapper: caddyfile,
		args:    func(_ site, path string) []string { return []string{"run", "--adapter", "caddyfile", "--config", path} },
	},
	{
		name: "varnish", program: "varnishd", file: "varnish.vcl", plain: true,
		args: func(s site, path string) []string {
			return []string{"-F", "-j", "none", "-a", s.addr, "-n", filepath.Join(s.dir, "varnish"), "-f", path}
		},
	},
}

// nginxConf does what Debian's nginx.conf does, in another folder and in the foreground.
func nginxConf(s site) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // Another user could not write to the folder.
	}
	return user + fmt.Sprintf(`daemon off;
pid %[1]s/nginx.pid;
worker_processes auto;
events { worker_connections 768; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	include %[1]s/site;
}
`, s.dir)
}

// caddyfile makes Caddy use another port and a certificate of its own.
func caddyfile(s site) string {
	return fmt.Sprintf(`{
	admin off
	https_port %s
	auto_https disable_redirects
	local_certs
	skip_install_trust
	storage file_system %[2]s/caddy
}
import %[2]s/site
`, s.port(), s.dir)
}

// olderCaddy leaves out what docs/loadbalancers.md tells users of Caddy 2.6, the version
// of Debian, to leave out.
func olderCaddy(site) []string {
	version, err := exec.CommandContext(context.Background(), "caddy", "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "2.6.") {
		return nil
	}
	return []string{"request_buffers 8MiB", "", "lb_retry_match method POST", ""}
}
