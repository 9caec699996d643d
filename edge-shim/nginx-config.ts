import { parseKeys } from './built-function.ts';

export interface NginxOptions {
  /** The folder with `redirector.js` and `keys.json`, absolute. */
  readonly folder: string;
  /** What `listen` says: `443 ssl`, `127.0.0.1:8080`. */
  readonly listen: string;
  /** Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies: readonly string[];
}

/**
 * What goes into nginx' `http` block for a self-hosted edge (Debian: nginx-light, libnginx-mod-http-js). Who has a
 * GeoIP module sets `$redirector_country` and `$redirector_subdivision` from it instead.
 */
export function nginxConfig({ folder, listen, trustedProxies }: NginxOptions): string {
  return `js_path "${folder}";
js_import redirector from redirector.js;
js_preload_object redirectorKeys from ${folder}/keys.json;
geo $realip_remote_addr $redirector_is_trusted {
  default 0;
${trustedProxies.map((network) => `  ${network} 1;\n`).join('')}}
map "$redirector_is_trusted$http_x_forwarded_proto" $redirector_scheme {
  default $scheme;
  1http http;
  1https https;
}
server {
  listen ${listen};
${trustedProxies.map((network) => `  set_real_ip_from ${network};\n`).join('')}  real_ip_header X-Forwarded-For;
  real_ip_recursive on;
  set $redirector_country $http_cloudfront_viewer_country;
  set $redirector_subdivision $http_cloudfront_viewer_country_region;
  location / {
    js_content redirector.redirect;
  }
}
`;
}

/** The keys as nginx preloads them, from their import form. Throws FormatError. */
export function nginxKeys(importForm: string, file: string): string {
  return JSON.stringify({ data: Object.fromEntries(parseKeys(importForm, file)) });
}
