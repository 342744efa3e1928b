# OpenCV's core, imgproc, imgcodecs and videoio as targets opencv_core and so on: from its own CMake files where they are
# installed, else from its headers and libraries. Debian and Ubuntu have the CMake files only in the package of all
# modules, libopencv-dev, which is many times as large as these four.

find_package(OpenCV QUIET CONFIG COMPONENTS core imgproc imgcodecs videoio)
if(OpenCV_FOUND)
  set(OpenCVParts_INCLUDE_DIR "${OpenCV_INCLUDE_DIRS}")
  set(OpenCVParts_LIBRARIES opencv_core opencv_imgproc opencv_imgcodecs opencv_videoio)
else()
  find_path(OpenCVParts_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  set(OpenCVParts_LIBRARIES "")
  foreach(part core imgproc imgcodecs videoio)
    find_library(OpenCVParts_${part}_LIBRARY opencv_${part})
    mark_as_advanced(OpenCVParts_${part}_LIBRARY)
    if(NOT OpenCVParts_${part}_LIBRARY)
      set(OpenCVParts_LIBRARIES OpenCVParts_LIBRARIES-NOTFOUND)
      break()
    endif()
    list(APPEND OpenCVParts_LIBRARIES opencv_${part})
    if(NOT TARGET opencv_${part})
      add_library(opencv_${part} UNKNOWN IMPORTED)
      set_target_properties(opencv_${part} PROPERTIES
        IMPORTED_LOCATION "${OpenCVParts_${part}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${OpenCVParts_INCLUDE_DIR}")
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVParts
  REASON_FAILURE_MESSAGE "install libopencv-{core,imgproc,imgcodecs,videoio}-dev, or set OpenCV_DIR"
  REQUIRED_VARS OpenCVParts_INCLUDE_DIR OpenCVParts_LIBRARIES)
