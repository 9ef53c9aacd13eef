/** The capacity service with a wall clock that is wrong by up to ten minutes, differently at each start. */
const skewMs = Math.round((Math.random() * 2 - 1) * 600_000)
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...values: [] | [number | string | Date]) {
    if (values.length === 0) super(RealDate.now() + skewMs)
    else super(values[0])
  }

  static override now(): number {
    return RealDate.now() + skewMs
  }
} as DateConstructor

await import('../../services/capacity/src/main.ts')
