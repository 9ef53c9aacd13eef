const NAMES = new Set(['HOME', 'LANG', 'PATH', 'TMPDIR', 'TZ', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'])
const PREFIXES = ['OTEL_', 'LC_']

/**
 * The part of an environment that every process gets: where things are on this machine, and where telemetry goes. The
 * rest stays out, the shell's secrets above all; a service's own settings are given to it by name.
 */
export function inheritedEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const inherited: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    if (NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) inherited[name] = value
  }
  return inherited
}
