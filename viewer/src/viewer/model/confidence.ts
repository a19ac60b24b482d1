// The colours that say how sure the depth is, as compose/skin.py lays them over the model.

/** From unsure to sure. */
export const UNSURE_TO_SURE = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"] as const;
/** Where no picture shows anything. */
export const NOBODY_SAW_IT = "#f5f5f5";
