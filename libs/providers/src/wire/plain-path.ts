/**
 * Whether a decoded path has only what names and ids are made of, so that no server can read another path in it. Only of such a path
 * can it be known that it runs nothing.
 */
export function isPlainPath(path: string): boolean {
  return PLAIN.test(path)
}

const PLAIN = /^[\w/.:@~-]*$/
