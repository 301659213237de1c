import { Dataset } from 'millstream'

export default Dataset.range(6).repeat(2).shuffle(4)
