import { createHash, randomUUID } from 'node:crypto'

/** The next identifier of `length` hexadecimal digits. */
export type Ids = (length: number) => string

/** Never the same twice. */
export const randomIds: Ids = (length) => {
  let digits = ''
  while (digits.length < length) digits += randomUUID().replaceAll('-', '')
  return digits.slice(0, length)
}

/** The same sequence for the same seed. `length` is at most 64. */
export function seededIds(seed: string): Ids {
  let count = 0
  return (length) => {
    count += 1
    return createHash('sha256').update(`${count}:${seed}`).digest('hex').slice(0, length)
  }
}
