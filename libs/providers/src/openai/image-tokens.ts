/**
 * What an image of 1,024 by 1,024 pixels costs a model, of which the name may go on with a version. The real size is in
 * the image, which is not looked into; nothing costs more than 2.4 times as much.
 * @param detail `low`, or what else the request says; undefined where it says nothing
 * @see https://platform.openai.com/docs/guides/images-vision, "Calculating costs"
 */
export function imageTokens(model: string, detail: string | undefined): number {
  const [, low, other] = COSTS.find(([prefix]) => model.startsWith(prefix)) ?? COMMON
  return detail === 'low' ? low : other
}

/** A base cost, and a cost for each tile of 512 pixels: 85 and 170 with most models that count so. */
const COMMON = ['', 85, 765] as const

/** Models that count patches of 32 pixels, 1,024 of them times a factor, take no notice of the detail. */
const COSTS = [
  ['gpt-4o-mini', 2_833, 25_501],
  ['gpt-4.1-mini', 1_659, 1_659],
  ['gpt-4.1-nano', 2_520, 2_520],
  ['o4-mini', 1_762, 1_762],
  ['gpt-5', 1_229, 1_229],
] as const satisfies readonly (readonly [prefix: string, low: number, other: number])[]
