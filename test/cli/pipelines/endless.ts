import { Dataset } from 'millstream'

export default Dataset.range(1e12).map(async (x) => {
  await new Promise((resolve) => {
    setTimeout(resolve, 1)
  })
  return x
})
