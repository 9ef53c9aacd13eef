/** The field `p` of every event: hides how long its text is from who watches the encrypted stream. */
export function padding(index: number): string {
  return LETTERS.slice(0, 1 + ((index * 11) % LETTERS.length))
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
