import { isDistinctive } from './distinctive.ts'
import { isAt, NEVER, type Spelling, spellingsOf, walkAhead, walkBack } from './spellings.ts'

/** A run of a secret's characters in a text: from the byte `start` to before the byte `end`. */
export interface SecretSpan {
  readonly start: number
  readonly end: number
}

/**
 * Finds secrets and their runs in bytes, in every spelling. Created once for a credential; about ten kilobytes for a
 * usual key.
 *
 * A run has at least nine characters, whatever its spelling, and so at least six consecutive places where four of its
 * bytes begin. It is enough, then, to look at the four bytes at every fifth place: a bit table says whether a spelling
 * may have them, and only where it may are bytes compared. The cost of searching a text does not depend on how long
 * secrets are.
 */
export class SecretIndex {
  /** True if there is nothing to find. */
  readonly isEmpty: boolean
  readonly #spellings: readonly Spelling[]
  /** Every four consecutive bytes of all spellings, sorted, and the place that each comes from. */
  readonly #fours: Uint32Array
  readonly #places: Uint32Array
  /** A bloom filter of the fours, with one hash. */
  readonly #bits: Int32Array
  readonly #hashShift: number
  /** For each byte, the places where a spelling has it. */
  readonly #placesOfByte: readonly (Uint32Array | undefined)[]

  /** @param secrets those that are not distinctive are ignored: they are part of other texts */
  constructor(secrets: readonly string[]) {
    this.#spellings = secrets.filter(isDistinctive).flatMap(spellingsOf)
    this.isEmpty = this.#spellings.length === 0
    const { fours, places } = sortedFours(this.#spellings)
    this.#fours = fours
    this.#places = places
    const hashBits = Math.max(MIN_HASH_BITS, Math.ceil(Math.log2(fours.length * BITS_A_FOUR + 1)))
    this.#hashShift = 32 - hashBits
    this.#bits = new Int32Array(2 ** hashBits / 32)
    for (const four of fours) {
      const hash = Math.imul(four, HASH_FACTOR) >>> this.#hashShift
      this.#bits[hash >>> 5] = (this.#bits[hash >>> 5] as number) | (1 << (hash & 31))
    }
    this.#placesOfByte = placesByByte(this.#spellings)
  }

  /**
   * Returns the first span from `from` on, or undefined. A run that may continue after the end of `bytes` is not a span
   * yet, unless `isWhole`: {@link openStart} returns where it begins.
   */
  find(bytes: Uint8Array, from: number, isWhole: boolean): SecretSpan | undefined {
    const bits = this.#bits
    const shift = this.#hashShift
    const last = bytes.length - FOUR
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = from; at <= last; at += STRIDE) {
      const hash = Math.imul(view.getInt32(at, true), HASH_FACTOR) >>> shift
      if (((bits[hash >>> 5] as number) & (1 << (hash & 31))) === 0) continue
      const span = this.#spanAt(bytes, at, isWhole)
      if (span === OPEN) return undefined
      if (span !== undefined) return span
    }
    return undefined
  }

  /**
   * Returns where the longest end of `bytes` begins that may be the beginning of a run; the length of `bytes` if there
   * is none.
   */
  openStart(bytes: Uint8Array): number {
    const places = this.#placesOfByte[bytes[bytes.length - 1] ?? 0]
    let start = bytes.length
    if (places === undefined || start === 0) return start
    for (const place of places) {
      const { units, unit, form, offset } = this.#read(place)
      const begin = bytes.length - offset - 1
      const isLast = unit === units.length - 1 && offset === form.length - 1
      // No run can begin before the first byte.
      if (start === 0) break
      if (isLast || begin < 0 || !isAt(bytes, begin, form, offset + 1)) continue
      start = Math.min(start, walkBack(bytes, units, unit, begin).at)
    }
    return start
  }

  /**
   * Returns the longest run that has the four bytes at `at`. {@link OPEN} if one that begins no later continues to the
   * end of `bytes`, so that everything after it may be part of it.
   */
  #spanAt(bytes: Uint8Array, at: number, isWhole: boolean): SecretSpan | typeof OPEN | undefined {
    const four = fourAt(bytes, at) >>> 0
    let openStart = NEVER
    let start = NEVER
    let end = 0
    for (let index = lowerBound(this.#fours, four); this.#fours[index] === four; index++) {
      const { units, leastEnds, unit, form, offset } = this.#read(this.#places[index] as number)
      const begin = at - offset
      if (begin < 0 || !isAt(bytes, begin, form, form.length)) continue
      const back = walkBack(bytes, units, unit, begin)
      // From the unit's own beginning, as it may match in another form, too.
      const ahead = walkAhead(bytes, units, unit, begin)
      if (ahead.isOpen && !isWhole) {
        openStart = Math.min(openStart, back.at)
        if (openStart === 0) break
      } else if (ahead.unit >= (leastEnds[back.unit] ?? NEVER)) {
        start = Math.min(start, back.at)
        end = Math.max(end, ahead.at)
      }
    }
    if (start < openStart) return { start, end }
    return openStart === NEVER ? undefined : OPEN
  }

  #read(place: number): Spelling & { readonly unit: number; readonly form: Buffer; readonly offset: number } {
    const { units, leastEnds } = this.#spellings[place >>> SPELLING_SHIFT] as Spelling
    const unit = (place >>> UNIT_SHIFT) & 0xffff
    const form = units[unit]?.[(place >>> FORM_SHIFT) & 0x1f] as Buffer
    return { units, leastEnds, unit, form, offset: place & 0xf }
  }
}

const FOUR = 4
/** A run that begins here may continue after the end. */
const OPEN = 'open'
/**
 * Five is coprime to the lengths of escapes, three and six bytes, so that steps of five meet each of their bytes; six
 * would not.
 */
const STRIDE = 5
/** Knuth's multiplicative hashing: 2³² divided by the golden ratio. */
const HASH_FACTOR = 0x9e3779b1
const MIN_HASH_BITS = 15
/** The bits of the filter for each four: one place in 32 is a false positive. */
const BITS_A_FOUR = 32

/** A place is packed into 32 bits: spelling (7 bits), unit (16), form (5) and offset in the form (4). */
const SPELLING_SHIFT = 25
const UNIT_SHIFT = 9
const FORM_SHIFT = 4

function placeOf(spelling: number, unit: number, form: number, offset: number): number {
  return ((spelling << SPELLING_SHIFT) | (unit << UNIT_SHIFT) | (form << FORM_SHIFT) | offset) >>> 0
}

/**
 * Returns every four consecutive bytes that the spellings may have, except those that many texts have, with their
 * places, sorted.
 */
function sortedFours(spellings: readonly Spelling[]): { readonly fours: Uint32Array; readonly places: Uint32Array } {
  const places: number[] = []
  const keys: number[] = []
  spellings.forEach(({ units }, spelling) => {
    // The beginnings, of up to three bytes, of the units after the current one. The last unit comes first.
    let later: readonly (readonly string[])[] = [[''], [], [], []]
    for (let unit = units.length - 1; unit >= 0; unit--) {
      const forms = (units[unit] ?? []).map((form) => form.toString('latin1'))
      forms.forEach((form, formIndex) => {
        for (let offset = leadOf(form); offset < form.length; offset++) {
          const begun = form.slice(offset, offset + FOUR)
          for (const rest of later[FOUR - begun.length] ?? []) {
            keys.push(fourOf(begun + rest))
            places.push(placeOf(spelling, unit, formIndex, offset))
          }
        }
      })
      later = beginningsOf(forms, later)
    }
  })
  // A four and the index of its place in one number, since numbers sort fastest.
  const order = Float64Array.from(keys, (four, index) => four * MAX_FOURS + index).sort()
  return {
    fours: Uint32Array.from(order, (key) => Math.floor(key / MAX_FOURS)),
    places: Uint32Array.from(order, (key) => places[key % MAX_FOURS] as number),
  }
}

/** Returns what a unit and those after it may begin with, by length; `later` is the same without the unit. */
function beginningsOf(forms: readonly string[], later: readonly (readonly string[])[]): string[][] {
  return [0, 1, 2, 3].map((length) => {
    const beginnings = new Set<string>()
    for (const form of forms) {
      const begun = form.slice(0, length)
      for (const rest of later[length - begun.length] ?? []) beginnings.add(begun + rest)
    }
    return [...beginnings]
  })
}

/** The 53 bits of an exact integer, less the 32 of a four. */
const MAX_FOURS = 2 ** 21

/**
 * Returns how many leading bytes of a form all escapes of its kind share: `\u00` is not specific to a secret, the
 * digits after it are.
 */
function leadOf(form: string): number {
  return UNICODE_LEAD.exec(form)?.[0].length ?? 0
}

const UNICODE_LEAD = /^\\+u(?=00)/

function placesByByte(spellings: readonly Spelling[]): (Uint32Array | undefined)[] {
  const places = Array.from({ length: 256 }, (): number[] => [])
  spellings.forEach(({ units }, spelling) => {
    units.forEach((forms, unit) => {
      forms.forEach((form, formIndex) => {
        form.forEach((byte, offset) => {
          places[byte]?.push(placeOf(spelling, unit, formIndex, offset))
        })
      })
    })
  })
  return places.map((ofByte) => (ofByte.length === 0 ? undefined : Uint32Array.from(ofByte)))
}

/** @param text four Latin-1 characters */
function fourOf(text: string): number {
  return (
    (text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24)) >>> 0
  )
}

function fourAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** Returns the index of the first element that is not less than `four`. */
function lowerBound(fours: Uint32Array, four: number): number {
  let low = 0
  let high = fours.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((fours[middle] as number) < four) low = middle + 1
    else high = middle
  }
  return low
}
