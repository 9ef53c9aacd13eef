/**
 * Returns whether a path, read as leniently as any server might, leads to where a provider issues credentials, shares
 * the account with others, or administers it.
 * @param path relative to the base URL
 * @param areas the first one or two segments of such paths after the version: lower-case letters and digits only
 */
export function isAdministration(path: string, areas: ReadonlySet<string>): boolean {
  const segments = lenientSegments(path)
  const first = segments.findIndex((segment) => !VERSION_OR_MOUNT.test(segment))
  if (first < 0) return false
  const area = lettersOf(segments[first] ?? '')
  if (areas.has(area) || areas.has(`${area}/${lettersOf(segments[first + 1] ?? '')}`)) return true
  return segments.some((segment) => segment.split(':').some((part) => ANYWHERE.has(lettersOf(part))))
}

/** Segments that may precede an area: a server behind a proxy may be mounted under any of these. */
const VERSION_OR_MOUNT = /^(?:v\d+(?:alpha|beta)?\d*|api|openai)$/

/** Names of credentials and of sharing, anywhere in a path: unknown APIs use the same names. */
const ANYWHERE: ReadonlySet<string> = new Set([
  'accesstokens',
  'adminapikeys',
  'apikeys',
  'authtokens',
  'clientsecret',
  'clientsecrets',
  'ephemeralkeys',
  'ephemeraltokens',
  'permissions',
  'serviceaccounts',
  'transcriptionsessions',
  'transferownership',
])

/** Some servers treat `client-secrets`, `clientSecrets` and `client_secrets.json` as the same name. */
function lettersOf(segment: string): string {
  return segment.replace(EXTENSION, '').replace(NO_LETTERS, '')
}

const EXTENSION = /\.[a-z]+$/
const NO_LETTERS = /[^a-z0-9]/g

/**
 * Returns the segments of a path as the most lenient server might read them, in lower case: nested escapes resolved,
 * compatibility characters normalized, white space, control characters, parameters (`;…`) and empty segments removed.
 *
 * Only for deciding what to *refuse*. What a request does is decided by {@link decodedPath}, which is strict.
 */
function lenientSegments(path: string): string[] {
  if (PLAIN_PATH.test(path)) return path.split('/').filter((segment) => segment !== '')
  return resolved(path)
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .split(/[/\\]/)
    .map((segment) => withoutDots(segment.replace(PARAMETERS, '').replace(IGNORED, '')))
    .filter((segment) => segment !== '')
}

/** Most paths: every server reads them alike. */
const PLAIN_PATH = /^[a-z0-9/_-]*$/
const PARAMETERS = /[;?#].*$/su
/** White space and characters that are not printed. */
const IGNORED = /[\s\p{C}+]/gu
const ESCAPE = /(?:%[0-9a-f]{2})+/gi
/** Each server in a chain of proxies may resolve escapes once. */
const MAX_LAYERS = 8

/** Some file systems drop trailing dots of names. */
function withoutDots(segment: string): string {
  let end = segment.length
  while (segment[end - 1] === '.') end--
  return segment.slice(0, end)
}

function resolved(path: string): string {
  let text = path
  for (let layer = 0; layer < MAX_LAYERS && text.includes('%'); layer++) {
    const once = text.replace(ESCAPE, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'))
    if (once === text) return text
    text = once
  }
  return text
}
