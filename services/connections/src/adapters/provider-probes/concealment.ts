import { announcedSecret } from '@sluice/providers'

/** Cuts secrets out of texts. */
export interface Concealment {
  add(secret: string): void
  /**
   * Returns `text` without any eight consecutive characters of the secrets. One that is shorter, such as the `none` of a server that asks
   * for no key, is part of other words: it is cut out only where the text says that it is a key.
   */
  apply(text: string): string
}

export function createConcealment(): Concealment {
  const fragments = new Set<string>()
  const announced: RegExp[] = []
  return {
    add: (secret) => {
      for (const form of new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])) {
        if (secret.length >= FRAGMENT_LENGTH) {
          for (let at = 0; at + FRAGMENT_LENGTH <= form.length; at++) {
            fragments.add(form.slice(at, at + FRAGMENT_LENGTH))
          }
        } else if (secret !== '') announced.push(announcedSecret(form))
      }
    },
    apply: (text) => {
      let shown = ''
      let hiddenUntil = 0
      for (let at = 0; at < text.length; at++) {
        if (fragments.has(text.slice(at, at + FRAGMENT_LENGTH))) {
          if (at >= hiddenUntil) shown += REDACTED
          hiddenUntil = at + FRAGMENT_LENGTH
        }
        if (at >= hiddenUntil) shown += text.charAt(at)
      }
      return announced.reduce((rest, pattern) => rest.replace(pattern, `$1${REDACTED}`), shown)
    },
  }
}

/** Providers repeat a wrong key in part. What is shorter is in many words by chance. */
const FRAGMENT_LENGTH = 8
const REDACTED = '[redacted]'
