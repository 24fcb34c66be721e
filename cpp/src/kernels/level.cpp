// The kernels of one instruction set. CMake compiles this file once for each instruction set, with
// its -march and its name.
#include "box.inl"
#include "box_from_map.inl"
#include "dual_space.inl"
#include "gaussians.inl"
#include "jacobian.inl"
#include "map_from_box.inl"
#include "measure.inl"
#include "nufft_projection.inl"
#include "nufft_series.inl"
#include "rows.inl"
#include "stream.inl"
#include "survey.inl"

#define ARGAND_CAT_(a, b) a##b
#define ARGAND_CAT(a, b) ARGAND_CAT_(a, b)

namespace argand {

extern const Kernels ARGAND_CAT(kernels_, ARGAND_LEVEL);
const Kernels ARGAND_CAT(kernels_, ARGAND_LEVEL) = {
    {prepare<float>},
    {prepare<double>},
    {sum_rows<float, float>, gather_rows<float, float>},
    {sum_rows<float, Complex<float>>, gather_rows<float, Complex<float>>},
    {sum_rows<double, double>, gather_rows<double, double>},
    {sum_rows<double, Complex<double>>, gather_rows<double, Complex<double>>},
    {sum_box<float, float>},
    {sum_box<float, Complex<float>>},
    {sum_box<double, double>},
    {sum_box<double, Complex<double>>},
    {lines_from_box<float>, planes_scratch<float>, planes_from_lines<float>, box_scratch<float>,
     box_from_map<float>},
    {lines_from_box<double>, planes_scratch<double>, planes_from_lines<double>, box_scratch<double>,
     box_from_map<double>},
    {measure<float>},
    {measure<double>},
    {jacobian_of_site<float>},
    {jacobian_of_site<double>},
    {gaussian_sum},
    {evaluate_series_pair},
    {project_scattering},
    {copy_past_caches},
    {survey_list},
    {register_lanes, columns_to_grid, change_density, project, transform_twice},
    ARGAND_LEVEL_NAME,
};

}  // namespace argand
