/** Cuts secrets out of texts. */
export interface Concealment {
  add(secret: string): void
  /** `text` without the secrets, and without any eight consecutive characters of them. */
  apply(text: string): string
}

export function createConcealment(): Concealment {
  const fragments = new Set<string>()
  const lengths = new Set<number>()
  return {
    add: (secret) => {
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        const length = Math.min(FRAGMENT_LENGTH, form.length)
        if (length === 0) continue
        lengths.add(length)
        for (let at = 0; at + length <= form.length; at++) fragments.add(form.slice(at, at + length))
      }
    },
    apply: (text) => {
      let shown = ''
      let hiddenUntil = 0
      for (let at = 0; at < text.length; at++) {
        for (const length of lengths) {
          if (!fragments.has(text.slice(at, at + length))) continue
          if (at >= hiddenUntil) shown += REDACTED
          hiddenUntil = Math.max(hiddenUntil, at + length)
        }
        if (at >= hiddenUntil) shown += text.charAt(at)
      }
      return shown
    },
  }
}

/** Providers repeat a wrong key in part. What is shorter is in many words by chance. */
const FRAGMENT_LENGTH = 8
const REDACTED = '[redacted]'
